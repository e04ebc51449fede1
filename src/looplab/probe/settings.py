"""What the lab tells a worker in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The lab's side of the bargain, read once when the worker starts."""

    socket: str
    """Path of the lab's socket; empty if there is no lab."""
    app: str
    """The user's application as `module:attribute`."""
    run: int
    """Number of the run."""
    root: str
    """Absolute folder of the user's code."""
    workers: str
    """Folder of the worker numbers' lock files, or empty."""
    stacks: str = ""
    """Path of the lab's second socket, where it is told how to look into a silent process; or empty."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; what is missing has a harmless value."""
        run = environment.get("LOOPLAB_RUN", "")
        return cls(
            socket=environment.get("LOOPLAB_SOCKET", ""),
            app=environment.get("LOOPLAB_APP", ""),
            run=int(run) if run.isdecimal() else 0,
            root=str(Path(environment.get("LOOPLAB_ROOT") or ".").absolute()),
            workers=environment.get("LOOPLAB_WORKERS", ""),
            stacks=environment.get("LOOPLAB_STACKS", ""),
        )
