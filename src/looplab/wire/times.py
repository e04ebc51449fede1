"""Which fields of the events are times, so that those of another machine's clock can be set right.

A field of nanoseconds is a time, which moves with the clock, or a length, which does not. Each stands in one
of the tables here; a test walks all events and fails where a field stands in none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from looplab.wire.events import (
    Backlog,
    Bye,
    ClientRequest,
    ClockSet,
    Collection,
    Connections,
    Event,
    Hello,
    Histogram,
    LoopSample,
    Monitor,
    Notice,
    OpenRequests,
    Pong,
    ProbeReport,
    Run,
    RunStarted,
    Served,
    ServerRequest,
    ServerState,
    Slots,
    SlotUse,
    Stall,
    TaskEnd,
    TaskRow,
    Tasks,
    TaskStacks,
    ThreadHop,
    TrafficFailed,
    TrafficState,
    Turned,
    Woken,
)

Shift = Callable[[Any, int], Any]
"""Gives the value of a field with its times moved by an offset."""


def _time(value: int, offset_ns: int) -> int:
    # 0 means "not yet" on every clock.
    return value + offset_ns if value else 0


def _tuples(*places: int) -> Shift:
    """Make the shift of a list of tuples that have times at these places."""

    def shift(rows: list[tuple[Any, ...]] | None, offset_ns: int) -> Any:
        return rows and [
            tuple(_time(item, offset_ns) if place in places else item for place, item in enumerate(row))
            for row in rows
        ]

    return shift


def _structs(rows: list[Any] | None, offset_ns: int) -> Any:
    return rows and [moved(row, offset_ns) for row in rows]


def _times(*names: str, **others: Shift) -> dict[str, Shift]:
    return {**dict.fromkeys(names, _time), **others}


TIMES: dict[type, dict[str, Shift]] = {
    Backlog: _times("t_ns"),
    Bye: _times("t_ns"),
    ClientRequest: _times("scheduled_ns", "sent_ns", "first_byte_ns", "done_ns"),
    ClockSet: _times("t_ns"),
    Collection: _times("began_ns", "ended_ns"),
    Connections: _times("t_ns"),
    Hello: _times("monotonic_ns"),
    LoopSample: _times("t_ns", "since_ns"),
    Monitor: _times("t_ns"),
    Notice: _times("t_ns"),
    OpenRequests: _times("t_ns"),
    Pong: _times("heard_ns", "told_ns"),
    ProbeReport: _times("t_ns"),
    Run: _times("began_ns", "ended_ns"),
    RunStarted: _times("t_ns"),
    Served: _times("began_ns", "ended_ns", runs=_tuples(0, 1), hops=_structs),
    ServerRequest: _times("began_ns", "ended_ns", phases=_tuples(1)),
    ServerState: _times("t_ns"),
    SlotUse: _times("requested_ns", "taken_ns", "finished_ns", "released_ns"),
    Slots: _times("t_ns", holders=_tuples(2)),
    Stall: _times("began_ns", "t_ns", "ended_ns"),
    TaskEnd: _times("since_ns", "ended_ns"),
    TaskRow: _times("since_ns"),
    TaskStacks: _times("t_ns"),
    Tasks: _times("t_ns", live=_structs, ended=_structs),
    ThreadHop: _times("requested_ns", "taken_ns", "finished_ns", "released_ns"),
    TrafficFailed: _times("t_ns"),
    TrafficState: _times("t_ns", "started_ns", "ended_ns"),
    Turned: _times("t_ns"),
    Woken: _times("t_ns"),
}
"""For each event, and each row within one, its fields that hold times, and how they move."""

OTHERS: dict[type, frozenset[str]] = {
    ClockSet: frozenset({"offset_ns", "error_ns"}),
    Hello: frozenset({"wall_ns"}),
    Histogram: frozenset({"counts", "sum_ns", "max_ns"}),
    LoopSample: frozenset({"lag_ns", "max_lag_ns", "busy_ns", "thread_cpu_ns", "cpu_ns", "lacked_ns"}),
    OpenRequests: frozenset({"rids"}),
    Pong: frozenset({"asked_ns"}),
    ProbeReport: frozenset({"cpu_ns", "process_cpu_ns"}),
    Slots: frozenset({"queue"}),
    Stall: frozenset({"stack", "lacked_ns", "collected_ns"}),
    TaskStacks: frozenset({"stacks"}),
    TrafficState: frozenset(
        {"cpu_ns", "max_lag_ns", "errors", "service", "response", "lateness", "first_byte", "gap"}
    ),
}
"""Fields of nanoseconds, and fields of several numbers, that are no times of the sender's clock."""


def shift(event: Event, offset_ns: int) -> Event:
    """Give an event with all its times moved from the sender's clock to the lab's."""
    return moved(event, offset_ns)  # type: ignore[no-any-return]


def moved(row: Any, offset_ns: int) -> Any:
    """Give an event, or a row within one, with its times moved."""
    return replace(
        row, **{name: move(getattr(row, name), offset_ns) for name, move in TIMES[type(row)].items()}
    )
