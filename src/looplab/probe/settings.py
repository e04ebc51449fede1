"""What the lab tells a worker in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def stacks_path(socket_path: Path) -> Path:
    """Give the lab's second socket, where stacks arrive that need no GIL; its path is no longer."""
    return socket_path.with_name("gil.sock")


@dataclass(frozen=True, slots=True)
class Settings:
    """The lab's side of the bargain, read once when the worker starts."""

    socket: str
    """Path of the lab's socket; empty if there is no lab."""
    app: str
    """The user's application as `module:attribute`."""
    run: int
    """Number of the run; 0 of a server that somebody else has started, and that joins a lab."""
    root: str
    """Absolute folder of the user's code; several have `os.pathsep` between them."""
    workers: str
    """Folder of the worker numbers' lock files, or empty."""
    stacks: str = ""
    """Path of the lab's second socket, where it is told how to look into a silent process; or empty."""
    factory: bool = False
    """Whether `app` names a function that makes the application."""
    reload: bool = False
    """Whether the server starts its workers anew when a file has changed."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; what is missing has a harmless value."""
        number = environment.get("LOOPLAB_RUN", "")
        run = int(number) if number.isdecimal() else 0
        socket = environment.get("LOOPLAB_SOCKET", "")
        # Who joins knows one path; the other socket is beside it, or on another machine.
        beside = str(stacks_path(Path(socket))) if socket and not run else ""
        return cls(
            socket=socket,
            app=environment.get("LOOPLAB_APP", ""),
            run=run,
            root=_roots(environment.get("LOOPLAB_ROOT") or "."),
            workers=environment.get("LOOPLAB_WORKERS", ""),
            stacks=environment.get("LOOPLAB_STACKS", beside),
            factory="LOOPLAB_FACTORY" in environment,
            reload="LOOPLAB_RELOAD" in environment,
        )


def roots(text: str) -> list[str]:
    """Give the folders of the user's code: one, which may have any name, or several with `os.pathsep`."""
    return [text] if Path(text).is_dir() else text.split(os.pathsep)


def _roots(text: str) -> str:
    return os.pathsep.join(str(Path(root).absolute()) for root in roots(text))
