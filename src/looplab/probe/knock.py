"""A knock at the lab's socket: whether somebody listens there. It never waits."""

from __future__ import annotations

import socket


def lab_waits(path: str) -> bool:
    """Tell whether a lab listens: about 5 µs where there is no such file, 30 µs where there is a lab.

    The lab sees a connection without a word, which it is used to.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        try:
            connection.connect(path)
        except (OSError, ValueError):
            # No file, nobody behind it, no room in its queue; or a path that can be none.
            return False
    return True
