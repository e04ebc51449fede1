"""`looplab serve` as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


class Served:
    """`looplab serve` with a folder of its own for what its labs leave behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "looplab", "serve", "one-keyword", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(folder), "TERM": "dumb"},
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[-1]

    def labs(self) -> list[int]:
        """Give the processes that it has started and that still run."""
        told = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in told.stdout.split()]

    def left(self) -> list[str]:
        """Give what lies in the folder: each lab that runs has one of its own there."""
        return [path.name for path in self.folder.iterdir()]

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
