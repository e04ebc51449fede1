"""Slices in order of time, however many: sorted in files on disk, and nested as viewers need them."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from typing import IO, Any, Final, NamedTuple

import msgspec

CHUNK: Final = 50_000
"""Entries that are sorted in memory: some 30 MB."""


class Entry(NamedTuple):
    """One entry of a trace."""

    ts_ns: int
    depth: int
    """Entries of the same moment stand in this order: what encloses comes first."""
    dur_ns: int
    """-1 for what has no length."""
    pid: int
    tid: int
    event: dict[str, Any]
    """The rest of it, as the trace has it."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)
_LENGTH: Final = 4


class Sorter:
    """Takes entries in any order and gives them in that of their times."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._chunks: list[IO[bytes]] = []
        self.count = 0
        """Entries that were taken."""

    def add(self, entry: Entry) -> None:
        """Take an entry."""
        self._entries.append(entry)
        self.count += 1
        if len(self._entries) >= CHUNK:
            self._spill()

    def close(self) -> None:
        """Remove the files."""
        for chunk in self._chunks:
            chunk.close()
        self._chunks = []

    def __iter__(self) -> Iterator[Entry]:
        """Give all entries; of the same time the longest first."""
        self._entries.sort(key=_order)
        return heapq.merge(*(_read(chunk) for chunk in self._chunks), self._entries, key=_order)

    def _spill(self) -> None:
        self._entries.sort(key=_order)
        chunk = tempfile.TemporaryFile(prefix="looplab-")  # noqa: SIM115
        self._chunks.append(chunk)
        for entry in self._entries:
            data = _encoder.encode(entry)
            chunk.write(len(data).to_bytes(_LENGTH, "big"))
            chunk.write(data)
        self._entries = []


def _order(entry: Entry) -> tuple[int, int, int]:
    return entry.ts_ns, entry.depth, -entry.dur_ns


def _read(chunk: IO[bytes]) -> Iterator[Entry]:
    chunk.seek(0)
    while head := chunk.read(_LENGTH):
        yield _decoder.decode(chunk.read(int.from_bytes(head, "big")))


def nested(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Cut slices of a track that reach beyond the one around them: no viewer can show them else.

    Two clocks of threads that differ by microseconds make such slices.
    """
    ends: dict[tuple[int, int], list[int]] = {}
    for entry in entries:
        if entry.dur_ns < 0:
            yield entry
            continue
        around = ends.setdefault((entry.pid, entry.tid), [])
        while around and around[-1] <= entry.ts_ns:
            around.pop()
        end_ns = entry.ts_ns + entry.dur_ns
        if around and end_ns > around[-1]:
            end_ns = around[-1]
            entry = entry._replace(dur_ns=end_ns - entry.ts_ns)
        around.append(end_ns)
        yield entry
