"""The accept queue: connections that the kernel has accepted for a server and no worker has taken.

A client of such a connection believes that it is connected. No server can tell of this queue, least of
all a blocked one, but Linux tells every process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from looplab.servers.commands import BACKLOG

TABLE = Path("/proc/net/tcp")
SOMAXCONN = Path("/proc/sys/net/core/somaxconn")

READ_BYTES = 4096
"""The kernel writes the table as it is read, listening sockets first; a page of it is mostly all of them."""

MOST_BYTES = 64 * 1024

_LISTEN = b"0A"


class AcceptQueue:
    """The queue of one listening port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._local = b"0100007F:%04X" % port if sys.byteorder == "little" else b"7F000001:%04X" % port
        self.limit = _limit()
        """Connections that fit into it."""

    @staticmethod
    def known() -> bool:
        """Tell whether this system shows accept queues at all."""
        return os.access(TABLE, os.R_OK)

    def read(self) -> int | None:
        """Give the connections that wait now; None while nobody listens on the port. About 30 µs."""
        try:
            table = os.open(TABLE, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            text = b""
            while len(text) < MOST_BYTES and (part := os.read(table, READ_BYTES)):
                text += part
                complete = text.rpartition(b"\n")[0]
                for line in complete.split(b"\n"):
                    fields = line.split(None, 5)
                    if len(fields) > 4 and fields[1] == self._local and fields[3] == _LISTEN:
                        return int(fields[4].partition(b":")[2], 16)
        except (OSError, ValueError):
            return None
        finally:
            os.close(table)
        return None


def _limit() -> int:
    """Give what the kernel makes of the backlog that the servers ask for."""
    try:
        return min(BACKLOG, int(SOMAXCONN.read_text()))
    except (OSError, ValueError):
        return BACKLOG
