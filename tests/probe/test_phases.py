"""Phases from facts: a table of what happened and what must be told."""

from __future__ import annotations

import pytest

from looplab.probe.records import CONNECTION, CONNECTION_IN_THREAD, THREAD, Hop, Request
from looplab.wire.clock import MS, S
from looplab.wire.events import Phase
from looplab.wire.phases import PhaseLog

R, B, A, W, T = Phase.RUNNING, Phase.BLOCKING, Phase.AWAITING, Phase.THREAD_WAIT, Phase.THREAD
Y, P, Q = Phase.READY, Phase.POOL_WAIT, Phase.QUERY
US = 1_000
USES = {"a": CONNECTION, "b": CONNECTION_IN_THREAD}
"""What a hop is for, by the first letter of its name; others are threads."""


def request() -> Request:
    """Give a request that began at 1 s; the tables count from there."""
    return Request(1, 0, "GET", "/", S)


def told(phases: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(phase, since - S) for phase, since in phases]


def tell(log: PhaseLog, facts: list[tuple[object, ...]]) -> None:
    hops: dict[object, Hop] = {}
    for name, *values in facts:
        if name == "run":
            log.run(S + values[0], S + values[1])  # type: ignore[operator]
        elif name == "open":
            log.open_run(S + values[0], values[1])  # type: ignore[arg-type, operator]
        else:
            key, at = values
            hop = hops.setdefault(key, Hop(None, 0, None, USES.get(str(key)[0], THREAD)))
            stamp = {
                "wait": "requested_ns",
                "take": "taken_ns",
                "finish": "finished_ns",
                "release": "released_ns",
            }
            setattr(hop, stamp[str(name)], S + at)  # type: ignore[operator]
            getattr(log, str(name))(hop)


@pytest.mark.parametrize(
    ("facts", "phases"),
    [
        pytest.param([], [(R, 0)], id="the first run is open"),
        pytest.param([("run", 0, 2 * US)], [(R, 0), (A, 2 * US)], id="a first run is told however short"),
        pytest.param(
            [("run", 0, MS), ("run", 2 * MS, 2 * MS + 49 * US)], [(R, 0), (A, MS)], id="short runs are merged"
        ),
        pytest.param(
            [("run", 0, MS), ("run", 2 * MS, 2 * MS + 50 * US)],
            [(R, 0), (A, MS), (R, 2 * MS), (A, 2 * MS + 50 * US)],
            id="a run of 50 microseconds is seen",
        ),
        pytest.param(
            [("run", 0, 50 * MS)],
            [(R, 0), (A, 50 * MS)],
            id="blocks for no time",
        ),
        pytest.param(
            [("run", 0, 70 * MS)],
            [(R, 0), (B, 50 * MS), (A, 70 * MS)],
            id="blocking, though nobody saw it open",
        ),
        pytest.param(
            [("open", 0, 60 * MS), ("open", 0, 65 * MS), ("run", 0, 70 * MS)],
            [(R, 0), (B, 50 * MS), (A, 70 * MS)],
            id="blocking exactly once, though it was seen open",
        ),
        pytest.param(
            [("run", 0, MS), ("open", 2 * MS, MS), ("run", 2 * MS, 4 * MS)],
            [(R, 0), (A, MS), (R, 2 * MS), (A, 4 * MS)],
            id="an open run is told once",
        ),
        pytest.param(
            [
                ("run", 0, MS),
                ("wait", 1, MS - US),
                ("take", 1, 3 * MS),
                ("finish", 1, 9 * MS),
                ("run", 10 * MS, 11 * MS),
            ],
            [(R, 0), (W, MS), (T, 3 * MS), (Y, 9 * MS), (R, 10 * MS), (Y, 11 * MS)],
            id="a hop to a thread",
        ),
        pytest.param(
            [("run", 0, MS), ("wait", 1, MS), ("release", 1, 5 * MS)],
            [(R, 0), (W, MS), (A, 5 * MS)],
            id="a hop that is cancelled in the queue",
        ),
        pytest.param(
            [
                ("run", 0, MS),
                ("wait", 1, 2 * MS),
                ("wait", 2, 2 * MS),
                ("take", 1, 3 * MS),
                ("finish", 1, 4 * MS),
                ("take", 2, 5 * MS),
                ("release", 1, 6 * MS),
                ("finish", 2, 7 * MS),
            ],
            [(R, 0), (A, MS), (W, 2 * MS), (T, 3 * MS), (W, 4 * MS), (T, 5 * MS), (Y, 7 * MS)],
            id="of several hops the most advanced counts",
        ),
        pytest.param(
            [
                ("run", 0, MS),
                ("wait", 1, MS),
                ("take", 1, 2 * MS),
                ("wait", "b1", 3 * MS),
                ("take", "b1", 5 * MS),
                ("release", "b1", 7 * MS),
                ("finish", 1, 8 * MS),
            ],
            [(R, 0), (W, MS), (T, 2 * MS), (P, 3 * MS), (Q, 5 * MS), (T, 7 * MS), (Y, 8 * MS)],
            id="a thread that waits for a connection",
        ),
        pytest.param(
            [
                ("run", 0, MS),
                ("wait", 1, MS),
                ("take", 1, 2 * MS),
                ("wait", "b1", 3 * MS),
                ("take", "b1", 3 * MS + 49 * US),
                ("release", "b1", 7 * MS),
            ],
            [(R, 0), (W, MS), (T, 2 * MS), (Q, 3 * MS + 49 * US), (T, 7 * MS)],
            id="a thread whose connection was there",
        ),
        pytest.param(
            [
                ("run", 0, MS),
                ("wait", 1, MS),
                ("wait", 2, MS),
                ("take", 1, 2 * MS),
                ("take", 2, 3 * MS),
                ("wait", "b1", 4 * MS),
                ("wait", "b2", 5 * MS),
                ("release", "b1", 6 * MS),
            ],
            [(R, 0), (W, MS), (T, 2 * MS), (P, 5 * MS), (T, 6 * MS)],
            id="of two threads one works until both wait for a connection",
        ),
        pytest.param(
            [("run", 0, MS), ("wait", 1, MS), ("take", 1, 2 * MS), ("wait", "a1", 3 * MS)],
            [(R, 0), (W, MS), (T, 2 * MS)],
            id="a task that waits for a connection stops no thread",
        ),
        pytest.param(
            [("open", 0, 5 * MS), ("wait", 1, 2 * MS), ("take", 1, 3 * MS), ("run", 0, 6 * MS)],
            [(R, 0), (T, 6 * MS)],
            id="while a run is open it is what the request does",
        ),
        pytest.param(
            [("run", 0, MS), ("wait", 1, MS), ("take", 1, 9 * MS), ("run", 8 * MS, 10 * MS)],
            [(R, 0), (W, MS), (R, 9 * MS), (T, 10 * MS)],
            id="what comes late never goes back in time",
        ),
    ],
)
def test_phases(facts: list[tuple[object, ...]], phases: list[tuple[Phase, int]]) -> None:
    log = PhaseLog(request())
    tell(log, facts)
    assert told(log.event().phases) == phases


def test_what_was_sent_is_not_sent_again_and_the_indices_join() -> None:
    log = PhaseLog(request())
    sent = [log.event()]
    for fact in [("open", 0, 20 * MS), ("open", 0, 60 * MS), ("run", 0, 70 * MS), ("run", 80 * MS, 81 * MS)]:
        tell(log, [fact])
        if log.changed():
            sent.append(log.event())
    assert [(event.first, told(event.phases)) for event in sent] == [
        (0, [(R, 0)]),
        (1, [(B, 50 * MS)]),
        (2, [(A, 70 * MS)]),
        (3, [(R, 80 * MS), (A, 81 * MS)]),
    ]


def test_a_status_alone_is_worth_an_event() -> None:
    log = PhaseLog(request())
    log.event()
    assert not log.changed()
    log.request.status = 204
    assert log.changed()
    assert (log.event().status, log.changed()) == (204, False)
