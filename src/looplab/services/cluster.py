"""The folder that holds the data of an embedded PostgreSQL, and who has it.

A PostgreSQL has its data for itself, so of two labs at once the second takes another folder. A folder is
taken by a lock on a file beside it. The server inherits the lock, so that it is free only when the
last process of a server whose lab was KILLed has ended.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import platformdirs

DATA = "LOOPLAB_DATA"
"""Environment variable: another folder for what looplab keeps between its runs."""

MOST = 16
"""Labs with an embedded PostgreSQL at once; more is a mistake of somebody."""


def data_folder() -> Path:
    """Give the folder of all that looplab keeps."""
    named = os.environ.get(DATA, "")
    return Path(named).expanduser().absolute() if named else platformdirs.user_data_path("looplab")


class Cluster:
    """A folder of data that this lab has; `release` gives it back."""

    def __init__(self, major: int, top: Path | None = None) -> None:
        """Take the first folder that nobody has.

        Raises:
            OSError: the folder cannot be made or written, or all are taken.
        """
        top = top or data_folder()
        # Nobody else may look into it, so what is below needs no mode of its own.
        top.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, MOST + 1):
            name = f"postgres-{major}" if number == 1 else f"postgres-{major}-{number}"
            lock = os.open(top / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            except BaseException:
                os.close(lock)
                raise
            else:
                self.lock = lock
                """Descriptor that holds the lock, for the processes that work on the data."""
                self.data = top / name
                return
        raise BlockingIOError(f"{MOST} labs have a PostgreSQL each", str(top))

    @property
    def made(self) -> bool:
        """Whether it holds data."""
        return (self.data / "PG_VERSION").is_file()

    @property
    def draft(self) -> Path:
        """Where the data is made, so that a folder of the right name is always whole."""
        return self.data.with_name(self.data.name + ".new")

    def clear(self) -> None:
        """Remove what an attempt that did not come to its end has left."""
        shutil.rmtree(self.draft, ignore_errors=True)

    def adopt(self) -> None:
        """Make the draft the data."""
        self.draft.rename(self.data)

    def discard(self) -> None:
        """Remove the data, which cannot be used."""
        shutil.rmtree(self.data)

    def release(self) -> None:
        """Let others have it. Further calls do nothing."""
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1
