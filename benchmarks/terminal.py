"""A real pseudo-terminal around a command, read as fast as it writes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time


def run_in_terminal(command: list[str], width: int, height: int, most_s: float) -> int:
    """Run a command in a terminal of its own, and give how many bytes it wrote.

    Raises:
        RuntimeError: the command failed, or did not end in time.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    child = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True
    )
    os.close(follower)
    written = 0
    last = b""
    deadline = time.monotonic() + most_s
    try:
        while child.poll() is None and time.monotonic() < deadline:
            if select.select([leader], [], [], 0.1)[0]:
                try:
                    last = os.read(leader, 65_536)
                except OSError:
                    break
                written += len(last)
        status = child.wait(10)
    finally:
        child.kill()
        child.wait()
        os.close(leader)
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with {status}: {last.decode(errors='replace')}")
    return written
