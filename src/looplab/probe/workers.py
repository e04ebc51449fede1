"""The worker's number: the first lock file of the lab's folder that nobody holds."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class WorkerNumber:
    """A number held by `flock` for as long as the process lives, however it dies.

    The kernel drops the lock with the process, so a worker that replaces another takes its number.
    """

    def __init__(self, folder: str) -> None:
        """Take the lowest free number; 0 without a folder, the next one if all are taken."""
        self._file = -1
        self.number = 0
        if not folder:
            return
        files = sorted((path for path in Path(folder).iterdir() if path.name.isdecimal()), key=_number)
        self.number = _number(files[-1]) + 1 if files else 0
        for path in files:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue
            self._file = file
            self.number = _number(path)
            return

    def forget(self) -> None:
        """Close the file in a forked child: the lock is the parent's, and ends with the parent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _number(path: Path) -> int:
    return int(path.name)
