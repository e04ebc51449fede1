"""What follows from a request that was sent as the probe wrote it down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.wire.clock import MS, S
from looplab.wire.events import Bye, Event, OpenRequests, Phase, Served, ServerRequest, SlotUse, ThreadHop
from looplab.wire.phases import LONGEST_PATH
from looplab.wire.served import expand

R, B, A, W, T = Phase.RUNNING, Phase.BLOCKING, Phase.AWAITING, Phase.THREAD_WAIT, Phase.THREAD
Y, X = Phase.READY, Phase.SENDING

stamps = st.integers(-1, 2**63 - 1)
hops = st.builds(ThreadHop, stamps, stamps, stamps, stamps, stamps, st.booleans())
runs = st.tuples(stamps, stamps, stamps)


def served(
    ended: int, runs: list[tuple[int, int, int]] | None = None, hops: list[ThreadHop] | None = None
) -> Served:
    """Give a request that began at 1 s; all times count from there."""
    return Served(
        7,
        41,
        "GET",
        "/",
        S,
        S + ended,
        200,
        None if runs is None else [(S + began, S + end, status) for began, end, status in runs],
        hops,
    )


def hop(*at: int, slot: int = 3, apart: bool = False) -> ThreadHop:
    return ThreadHop(*(S + stamp if stamp else 0 for stamp in at), slot, apart)


def only_request(events: list[Event]) -> tuple[ServerRequest, list[tuple[int, int]]]:
    (request,) = [event for event in events if isinstance(event, ServerRequest)]
    return request, [(phase, since - S) for phase, since in request.phases]


@pytest.mark.parametrize(
    ("length", "phases"), [(49 * MS, [(R, 0)]), (50 * MS, [(R, 0), (B, 50 * MS)])], ids=["short", "a stall"]
)
def test_a_request_of_one_run(length: int, phases: list[tuple[Phase, int]]) -> None:
    request, told = only_request(expand([served(length)]))
    assert told == phases
    assert (request.rid, request.client, request.method, request.path) == (7, 41, "GET", "/")
    assert (request.first, request.began_ns, request.ended_ns, request.status) == (0, S, S + length, 200)
    assert request.slot == -1


def test_a_request_that_went_to_a_thread_and_answered() -> None:
    use = hop(1 * MS, 2 * MS, 8 * MS, 9 * MS)
    events = expand([served(12 * MS, [(0, 1 * MS, 0), (9 * MS, 10 * MS, 200)], [use])])
    request, told = only_request(events)
    assert told == [(R, 0), (W, MS), (T, 2 * MS), (Y, 8 * MS), (R, 9 * MS), (X, 10 * MS)]
    assert request.slot == 3
    assert events[1:] == [SlotUse("threadpool", 3, 7, S + MS, S + 2 * MS, S + 8 * MS, S + 9 * MS)]


def test_what_is_told_apart_or_goes_on_is_no_use_of_a_slot() -> None:
    held = [hop(1, 2, 3, 4, apart=True), hop(1, 2, 0, 0), hop(1, 0, 0, 4, slot=-1)]
    assert not [event for event in expand([served(MS, [(0, 1, 0)], held)]) if isinstance(event, SlotUse)]


def test_work_that_began_after_it_was_given_up_is_none_of_the_requests() -> None:
    late = hop(1 * MS, 5 * MS, 7 * MS, 4 * MS, slot=-1)
    _, told = only_request(expand([served(9 * MS, [(0, MS, 0), (4 * MS, 4 * MS + 1, 0)], [late])]))
    assert told == [(R, 0), (W, MS), (A, 4 * MS)]


def test_all_else_stays_as_it_is_and_where_it_was() -> None:
    other: list[Event] = [OpenRequests(1, []), Bye(2, clean=True)]
    assert expand(other) == other
    first, request, last = expand([other[0], served(1), other[1]])
    assert [first, last] == other
    assert isinstance(request, ServerRequest)


def test_a_path_that_is_too_long_is_cut() -> None:
    request, _ = only_request(expand([Served(1, 0, "GET", "/" + "x" * 5_000, S, S + 1)]))
    assert len(request.path) == LONGEST_PATH


@given(st.builds(Served, began_ns=stamps, runs=st.lists(runs, max_size=4), hops=st.lists(hops, max_size=4)))
def test_whatever_the_stamps_say_one_request_comes_out_and_its_times_never_run_back(event: Served) -> None:
    request, phases = only_request(expand([event]))
    assert request.ended_ns == event.ended_ns
    assert [since for _, since in phases] == sorted(since for _, since in phases)
