"""A trace in Chrome's format: processes with tracks, and on them slices, counters, moments and arrows.

Times are microseconds since the first thing that is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf, nextafter
from typing import Any, Final

import msgspec

from .slices import Entry, Sorter, nested

US: Final = 1_000
"""Nanoseconds of a microsecond."""

Track = tuple[int, int]
"""A process and a thread of the trace."""

_encode = msgspec.json.Encoder().encode


class Canvas:
    """Takes what is drawn, in any order, and gives the file."""

    def __init__(self) -> None:
        self._sorter = Sorter()
        self._names: dict[Track, str] = {}
        """Names of processes (track 0) and tracks; they stand in the order of their numbers."""

    @property
    def count(self) -> int:
        """Things that were drawn."""
        return self._sorter.count

    def close(self) -> None:
        """Let go of what was sorted."""
        self._sorter.close()

    def track(self, pid: int, tid: int, process: str, name: str) -> Track:
        """Name a process and one of its tracks, if they have no names yet."""
        self._names.setdefault((pid, 0), process)
        self._names.setdefault((pid, tid), name)
        return pid, tid

    def slice(self, track: Track, span: tuple[int, int], depth: int, **event: Any) -> None:
        """Draw what lasts; nothing if it has no length.

        Args:
            track: where.
            span: from when until when.
            depth: 0, or 1 for what lies in a slice that may begin at the same moment.
            event: name, category and arguments.
        """
        began, ended = span
        if ended > began:
            entry = Entry(began, depth, ended - began, *track, {"ph": "X", **event})
            self._sorter.add(entry)

    def counter(self, track: Track, t_ns: int, name: str, values: Mapping[str, float]) -> None:
        """Draw values that hold from a moment on."""
        self._point(track, t_ns, ph="C", name=name, args=values)

    def moment(self, track: Track, t_ns: int, text: str, args: Mapping[str, Any]) -> None:
        """Draw a moment."""
        self._point(track, t_ns, ph="i", s="t", cat="moment", name=text, args=args)

    def arrow(self, number: int, begin: tuple[Track, int], end: tuple[Track, int]) -> None:
        """Draw an arrow between the slices that are on two tracks at two moments."""
        flow: dict[str, Any] = {"cat": "flow", "name": "request", "id": number}
        self._point(*begin, ph="s", **flow)
        self._point(*end, ph="f", bp="e", **flow)

    def _point(self, track: Track, t_ns: int, **event: Any) -> None:
        # After the slices that begin at this moment, for an arrow needs one around it.
        self._sorter.add(Entry(t_ns, 9, -1, *track, event))

    def pieces(self, about: Mapping[str, str]) -> Iterator[bytes]:
        """Give the file, piece by piece."""
        yield b'{"displayTimeUnit":"ms","otherData":' + _encode(about) + b',"traceEvents":[\n'
        comma = b""
        for (pid, tid), name in sorted(self._names.items()):
            kind, place = ("thread", tid) if tid else ("process", pid)
            for word, args in (
                (f"{kind}_name", {"name": name}),
                (f"{kind}_sort_index", {"sort_index": place}),
            ):
                yield comma + _encode({"ph": "M", "pid": pid, "tid": tid, "name": word, "args": args})
                comma = b",\n"
        origin_ns = 0
        for entry in nested(iter(self._sorter)):
            origin_ns = origin_ns or entry.ts_ns
            ts = microseconds(entry.ts_ns - origin_ns)
            event = {"pid": entry.pid, "tid": entry.tid, "ts": ts, **entry.event}
            if entry.dur_ns >= 0:
                event["dur"] = microseconds(entry.dur_ns)
            yield comma + _encode(event)
            comma = b",\n"
        yield b"\n]}\n"


def microseconds(ns: int) -> float:
    """Give the microseconds of which Perfetto makes exactly these nanoseconds again.

    It multiplies by 1,000 and cuts what is behind the point, so 1.001 would become 1,000 ns. A slice that so
    reaches 1 ns beyond the one around it overlaps it, and is left out.
    """
    us = ns / US
    return us if int(us * US) == ns else nextafter(us, inf)
