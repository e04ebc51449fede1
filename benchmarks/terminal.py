"""A real pseudo-terminal around a command: read as fast as it writes, or as slowly as a bad line would."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from types import TracebackType

CHUNK_S = 0.01
"""Time between two reads of a slow terminal."""

_ESCAPE = re.compile(
    rb"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[PX^_].*?\x1b\\|[()][0-9A-B]|.)"
)


class Terminal:
    """A command in a terminal of its own; a context manager that leaves no process."""

    def __init__(self, command: list[str], width: int, height: int, bytes_s: int = 0) -> None:
        """Start the command.

        Args:
            command: what to run.
            width: cells of the terminal.
            height: cells of the terminal.
            bytes_s: how many bytes the terminal takes a second; 0 for as many as come.
        """
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._command = command
        self.process = subprocess.Popen(
            command, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True
        )
        os.close(follower)
        self._bytes_s = bytes_s
        self._recent = b""
        self.written = 0
        """Bytes that the command has written so far."""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._leader)

    def press(self, keys: str) -> None:
        """Type, and forget what was painted before."""
        self._recent = b""
        os.write(self._leader, keys.encode())

    def read(self, most_s: float) -> bool:
        """Read what the command writes, for so long at most; False if it has ended."""
        if not select.select([self._leader], [], [], most_s)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self._leader, max(int(self._bytes_s * CHUNK_S), 1) if self._bytes_s else 65_536)
        except OSError:
            return False
        self.written += len(data)
        self._recent = (self._recent + data)[-1_000_000:]
        if self._bytes_s:
            time.sleep(len(data) / self._bytes_s)
        return True

    def until(self, text: str, most_s: float = 20.0) -> float:
        """Read until a text was painted since the last key, and give when, by `time.monotonic`.

        Raises:
            RuntimeError: it was not painted in time.
        """
        deadline = time.monotonic() + most_s
        while text not in self.painted:
            if not self.read(0.05) or time.monotonic() > deadline:
                raise RuntimeError(
                    f"{' '.join(self._command)}: never painted {text!r}: {self.painted[-500:]!r}"
                )
        return time.monotonic()

    @property
    def painted(self) -> str:
        """What was painted since the last key, without colours and places."""
        return _ESCAPE.sub(b"", self._recent).decode(errors="replace")


def run_in_terminal(command: list[str], width: int, height: int, most_s: float) -> int:
    """Run a command in a terminal of its own, and give how many bytes it wrote.

    Raises:
        RuntimeError: the command failed, or did not end in time.
    """
    deadline = time.monotonic() + most_s
    with Terminal(command, width, height) as terminal:
        while time.monotonic() < deadline and terminal.read(0.1):
            pass
        status = terminal.process.wait(10)
        if status:
            raise RuntimeError(f"{' '.join(command)} ended with {status}: {terminal.painted[-500:]}")
        return terminal.written
