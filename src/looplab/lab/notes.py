"""The speaker's notes, for a second terminal: a Unix socket in the private folder, one line of JSON a state.

View-only: what a reader writes is thrown away. A reader that does not read is dropped, so that it can
never hold the lab up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, cast

import msgspec

from looplab.servers.runtime import PREFIX, SHORT_FOLDER
from looplab.wire import private

NAME: Final = "notes.sock"
MOST_UNREAD: Final = 256 * 1024
"""Bytes that a reader may leave unread; a state of a talk has one or two thousand."""
CONNECT_S: Final = 0.5
"""A lab that runs accepts at once; the socket of one that was KILLed refuses."""


class Notes(msgspec.Struct, kw_only=True):
    """What a speaker needs to know at a moment. Times are `monotonic_ns` of this machine."""

    talk: str = ""
    scene: str = ""
    variant: str = ""
    place: int = 0
    """Number of the step from 1; 0 before the first one."""
    count: int = 0
    text: str = ""
    """What the screen says."""
    answering: bool = False
    status: str = ""
    """What the step waits for."""
    notes: str = ""
    next: str = ""
    """What the screen says next; empty at the end."""
    verdict: str = ""
    severity: str = "info"
    began_ns: int = 0
    """When the talk began, 0 before that."""
    step_ns: int = 0
    """When the present step began."""


class NotesDesk:
    """The lab's side. All calls are made in the lab's loop."""

    def __init__(self, path: Path) -> None:
        """Prepare; `start` opens the socket at `path`."""
        self._path = path
        self._line = b""
        self._server: asyncio.Server | None = None
        self._readers: set[_Reader] = set()

    async def start(self) -> None:
        """Open the socket, for this user only (mode 0600)."""
        self._server = await private.serve(self._path, lambda: _Reader(self))

    async def close(self) -> None:
        """Close the socket and every connection, and remove the socket's file."""
        if self._server is not None:
            self._server.close()
            for reader in list(self._readers):
                reader.close()
            await self._server.wait_closed()
            self._server = None
        self._path.unlink(missing_ok=True)

    def tell(self, notes: Notes) -> None:
        """Tell all who read, and those who come later."""
        self._line = msgspec.json.encode(notes) + b"\n"
        for reader in list(self._readers):
            reader.send(self._line)


class _Reader(asyncio.Protocol):
    """One second terminal."""

    def __init__(self, desk: NotesDesk) -> None:
        self._desk = desk
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: the transports of uvloop are not derived from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._desk._readers.add(self)
        if self._desk._line:
            self.send(self._desk._line)

    def send(self, line: bytes) -> None:
        """Send a line without waiting, or let the reader go that has left too much unread."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() + len(line) > MOST_UNREAD:
            self._transport.abort()
        else:
            self._transport.write(line)

    def close(self) -> None:
        """Close the connection; what it has not read yet is lost."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._desk._readers.discard(self)


class FoundLab(NamedTuple):
    """A lab of this user that runs now."""

    path: Path
    """Its socket."""
    started_s: float
    """When its folder was made, in seconds since the epoch."""
    notes: Notes
    """What it says now."""


def running_labs() -> list[FoundLab]:
    """Find the labs of this user that run and have something to say, the newest first."""
    found = []
    for path in _sockets():
        with contextlib.suppress(OSError, msgspec.MsgspecError), _connected(path) as reader:
            notes = msgspec.json.decode(_first_line(reader), type=Notes)
            found.append(FoundLab(path, path.stat().st_ctime, notes))
    return sorted(found, key=lambda lab: lab.started_s, reverse=True)


def _sockets() -> Iterator[Path]:
    """Find the sockets in private folders of this user; another's folder is never looked into."""
    for parent in {Path(tempfile.gettempdir()), Path(SHORT_FOLDER)}:
        for folder in parent.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                about = folder.lstat()
                private = stat.S_ISDIR(about.st_mode) and not stat.S_IMODE(about.st_mode) & 0o077
                if private and about.st_uid == os.getuid() and (folder / NAME).is_socket():
                    yield folder / NAME


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as reader:
        reader.settimeout(CONNECT_S)
        reader.connect(str(path))
        yield reader


def _first_line(reader: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        if not (piece := reader.recv(65_536)):
            raise OSError("it has closed the connection")
        line += piece
    # Two states may have come in one piece.
    return line.splitlines()[-1]
