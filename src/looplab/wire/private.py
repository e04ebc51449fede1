"""A Unix socket that only this user can reach."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path


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
