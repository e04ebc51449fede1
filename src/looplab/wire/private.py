"""A Unix socket that only this user can reach, and who is at its other end."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_UCRED = struct.Struct("3i")
"""`struct ucred` of Linux: process, user, group."""
_XUCRED = struct.Struct("IIh64s")
"""`struct xucred` of macOS: version, user, number of groups, groups."""
_LOCAL, _LOCAL_PEERCRED = 0, 1


TELLS_PROCESS = sys.platform == "linux"
"""Whether the system tells the process at the other end, too."""


class Peer(NamedTuple):
    """Who is at the other end of a Unix socket, as the kernel says it."""

    user: int
    process: int
    """As this process sees it; 0 where that is not told, or where it lives in a container."""

    @property
    def welcome(self) -> bool:
        """Whether it is this user, or root, who needs nobody's permission."""
        return self.user in (os.getuid(), 0)


def peer(descriptor: int) -> Peer | None:
    """Tell who is at the other end of a connection; None where the system does not."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        try:
            if sys.platform == "linux":
                process, user, _ = _UCRED.unpack(
                    connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
                )
                return Peer(user, process)
            if sys.platform == "darwin":
                raw = connection.getsockopt(_LOCAL, _LOCAL_PEERCRED, _XUCRED.size)
                return Peer(_XUCRED.unpack(raw.ljust(_XUCRED.size, b"\0"))[1], 0)
        except OSError:
            pass
    return None


async def serve(path: Path, connect: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    """Open a socket, readable and writable by this user only (mode 0600).

    Args:
        path: where the socket is made, in a folder that only this user can enter.
        connect: makes the protocol of a connection.
    """
    listener = _listener(path)
    try:
        return await asyncio.get_running_loop().create_unix_server(connect, sock=listener)
    except BaseException:
        listener.close()
        raise


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
    except OSError:
        listener.close()
        raise
    return listener
