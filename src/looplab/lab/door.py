"""The door: the socket where servers join, in a folder that is this user's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from looplab.probe.knock import lab_waits
from looplab.probe.settings import stacks_path
from looplab.servers.runtime import SOCKET_PATH_BYTES, Runtime


class DoorError(Exception):
    """A place where no socket can be, or must not; says what to do."""


class Door:
    """A private folder with a socket that only this user can reach, or a path of the user's own choice."""

    def __init__(self, path: Path | None = None) -> None:
        """Choose the place; the lab opens the socket there.

        Args:
            path: where the socket shall be; None takes a new private folder.

        Raises:
            DoorError: the folder is not this user's alone, another lab waits there, or the path is too long.
            OSError: there is no temporary folder that can be written to.
        """
        if path is not None:
            path = path.expanduser().absolute()
            _check(path)
        self.runtime = Runtime()
        """The lab's private folder, which the traffic uses in any case."""
        self.path = path or self.runtime.socket_path
        """Absolute path of the socket."""

    def close(self) -> None:
        """Remove the private folder, whether a lab has used it or not. Further calls do nothing."""
        self.runtime.close()

    def clear(self) -> None:
        """Remove what a lab that was killed has left at the path."""
        for path in (self.path, stacks_path(self.path)):
            if path.is_socket():
                path.unlink(missing_ok=True)


def _check(path: Path) -> None:
    """Say what is wrong with a place."""
    folder = path.parent
    longest = max(len(os.fsencode(path)), len(os.fsencode(stacks_path(path))))
    if longest > SOCKET_PATH_BYTES:
        raise DoorError(
            f"{path}: a socket's path has {SOCKET_PATH_BYTES} bytes at most; choose a shorter one"
        )
    try:
        found = folder.stat()
    except OSError:
        raise DoorError(f"{folder}: no such folder; mend: mkdir -m 700 {folder}") from None
    if not stat.S_ISDIR(found.st_mode):
        raise DoorError(f"{folder} is no folder; choose a path in one of your own")
    if found.st_uid != os.getuid():
        raise DoorError(f"{folder} belongs to another user; choose a folder of your own, closed to others")
    if found.st_mode & 0o077:
        own = folder / "looplab"
        raise DoorError(f"{folder} is open to others; mend: mkdir -m 700 {own}; --socket {own / path.name}")
    for place in (path, stacks_path(path)):
        if place.exists() and not place.is_socket():
            raise DoorError(f"{place} is there and is no socket; choose another path")
        if lab_waits(str(place)):
            raise DoorError(f"another lab waits at {place}; end that one, or choose another folder")
