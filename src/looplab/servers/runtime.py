"""The lab's private folder: its socket and the lock files of its workers."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from looplab.servers.guarded import guard_command

PREFIX = "looplab-"

SOCKET_PATH_BYTES = 103
"""Longest path of a Unix socket: macOS has 104 bytes with the closing NUL, Linux 108."""

SHORT_FOLDER = "/tmp"
"""Where the folder goes if the path of the temporary folder is too long for a socket."""

JANITOR_END_S = 0.3
"""How long a janitor is waited for that has something left to remove; it goes on alone after that."""


class Runtime:
    """A folder that only this user can enter (mode 0700), and a janitor that outlives the lab to remove it.

    The janitor is started first and told of the folder in the moment it exists, so that a lab that is
    KILLed leaves nothing, whenever that happens.
    """

    def __init__(self) -> None:
        """Make the folder.

        Raises:
            OSError: there is no temporary folder that can be written to, or no process can be made.
        """
        reader, self._lifeline = os.pipe()
        try:
            self._janitor = subprocess.Popen(
                guard_command("sweep", str(reader)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(reader,),
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            os.close(self._lifeline)
            raise
        finally:
            os.close(reader)
        try:
            self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_parent()))
            """Absolute path of the folder."""
        except OSError:
            self._dismiss()
            raise
        os.write(self._lifeline, os.fsencode(self.folder) + b"\0")

    @property
    def socket_path(self) -> Path:
        """Where the lab's socket is made."""
        return self.folder / "lab.sock"

    def close(self) -> None:
        """Remove the folder. Further calls do nothing."""
        if self._lifeline < 0:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        if not self.folder.exists():
            self._dismiss()
        else:
            self._let_go()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._janitor.wait(JANITOR_END_S)

    def _dismiss(self) -> None:
        """End a janitor that has nothing to do."""
        self._janitor.kill()
        self._janitor.wait()
        self._let_go()

    def _let_go(self) -> None:
        os.close(self._lifeline)
        self._lifeline = -1


def _parent() -> str:
    """Give the temporary folder, or a short one where a socket's path would be too long in it."""
    folder = tempfile.gettempdir()
    longest = os.fsencode(Path(folder).absolute() / (PREFIX + "x" * 8) / "lab.sock")
    return folder if len(longest) <= SOCKET_PATH_BYTES else SHORT_FOLDER
