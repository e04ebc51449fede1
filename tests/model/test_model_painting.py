"""Columns against a count of every nanosecond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looplab.model import BUSY, HELD, Model, Request, Row, Slot, Use
from looplab.model.loop import LANE_BUCKET_NS, LoopLane
from looplab.wire.clock import MS
from looplab.wire.events import LoopSample, Phase, Stall

LOOP = (Phase.RUNNING, Phase.BLOCKING)


def request(begin: int, changes: list[tuple[int, int]], ended: int, done: int) -> Request:
    made = Request()
    made.begin_ns = made.sent_ns = begin
    made.began_ns = changes[0][1]
    made.add_changes(0, changes)
    made.server_ended_ns = ended
    made.end_ns = made.done_ns = done
    return made


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A row of up to five requests, one after the other."""
    row = Row(0, foreign=False)
    at = draw(st.integers(1, 30))
    for _ in range(draw(st.integers(0, 5))):
        begin = at
        at += draw(st.integers(0, 40))
        changes = []
        for _ in range(draw(st.integers(1, 5))):
            changes.append((draw(st.integers(2, 6)), at))
            at += draw(st.integers(0, 40))
        ended = at
        at += draw(st.integers(0, 10))
        row.add(request(begin, changes, ended, at))
        at += draw(st.integers(1, 40))
    return row


def expected(row: Row, begin: int, width: int) -> int:
    """The rule of `columns.paint`, word by word."""
    times = dict.fromkeys(Phase, 0)
    for t in range(begin, begin + width):
        for one in row.requests:
            if one.begin_ns <= t < one.end_ns:
                ((_, _, phase),) = one.spans(t, t + 1, t + 1)
                times[phase] += 1
    short = any(
        begin <= one.begin_ns < begin + width and 0 < one.end_ns - one.begin_ns < width // 2
        for one in row.requests
    )
    if 4 * sum(times.values()) < width and not short:
        return 0
    if 4 * sum(times[phase] for phase in LOOP) >= width:
        return Phase.BLOCKING if times[Phase.BLOCKING] else Phase.RUNNING
    return max(times, key=lambda phase: (times[phase], -phase))


@given(rows(), st.integers(1, 60), st.integers(0, 3))
def test_each_column_shows_what_holds_most_of_it(row: Row, width: int, first: int) -> None:
    columns = row.phases_by_column(0, width, first, first + 8, 10_000)
    # What is cut at the picture's left edge is shorter there: the first column may differ by that rule.
    wanted = [expected(row, (first + column) * width, width) for column in range(8)]
    inner = slice(1, 7)
    assert list(columns[inner]) == wanted[inner]


@given(rows(), st.integers(1, 60), st.integers(2, 7))
def test_few_columns_are_painted_as_in_the_whole_picture(row: Row, width: int, first: int) -> None:
    whole = row.phases_by_column(0, width, 0, 12, 10_000)
    part = row.phases_by_column(0, width, first, first + 3, 10_000)
    assert part[1:2] == whole[first + 1 : first + 2]


def test_an_open_request_reaches_to_the_present_and_no_further() -> None:
    row = Row(0, foreign=False)
    row.add(request(0, [(Phase.AWAITING, 0)], 0, 0))
    row.requests[0].begin_ns = 10
    assert row.live
    assert list(row.phases_by_column(0, 10, 0, 6, 35)) == [0, 4, 4, 4, 0, 0]


def test_a_request_much_shorter_than_a_column_is_seen_where_it_begins() -> None:
    row = Row(0, foreign=False)
    row.add(request(195, [(Phase.RUNNING, 196)], 204, 205))
    assert list(row.phases_by_column(0, 100, 0, 4, 1_000)) == [0, Phase.RUNNING, 0, 0]


def test_no_columns_are_no_bytes() -> None:
    assert Row(0, foreign=False).phases_by_column(0, 10, 5, 5, 100) == bytearray()
    assert LoopLane().phases_by_column(0, 10, 5, 4, 100) == bytearray()
    assert Slot(0).phases_by_column(0, 0, 0, 9, 100) == bytearray()


def test_the_lane_shows_a_short_run_and_a_stall_that_begins() -> None:
    loop = LoopLane()
    loop.take_run(105 * MS, 106 * MS)
    loop.take_run(390 * MS, 450 * MS)
    picture = list(loop.phases_by_column(0, 100 * MS, 0, 6, 1_000 * MS))
    assert picture == [0, Phase.RUNNING, 0, Phase.RUNNING, Phase.BLOCKING, 0]


def test_columns_finer_than_the_lane_show_the_bucket_that_holds_them() -> None:
    loop = LoopLane()
    loop.take_run(LANE_BUCKET_NS, 2 * LANE_BUCKET_NS)
    picture = list(loop.phases_by_column(0, LANE_BUCKET_NS // 5, 0, 15, 1_000 * MS))
    assert picture == [0] * 5 + [Phase.RUNNING] * 5 + [0] * 5


def test_the_run_that_is_open_is_painted_as_far_as_it_is_known() -> None:
    loop = LoopLane()
    loop.take_sample(LoopSample(20 * MS, 0, 0, 20 * MS, 1, 7, 10 * MS))
    assert list(loop.phases_by_column(0, 10 * MS, 0, 8, 80 * MS)) == [0, 2, 0, 0, 0, 0, 0, 0]
    loop.take_sample(LoopSample(70 * MS, 0, 0, 60 * MS, 1, 7, 10 * MS))
    assert list(loop.phases_by_column(0, 10 * MS, 0, 9, 80 * MS)) == [0, 2, 2, 2, 2, 2, 3, 3, 0]


def test_a_lane_without_a_pause_has_no_hole_while_reports_are_on_their_way() -> None:
    loop = LoopLane()
    loop.take_sample(LoopSample(120 * MS, 0, 0, 110 * MS, 1, 7, 10 * MS))
    # The run of 7 is over and not told; that of 8 has held the loop since 130 ms.
    loop.take_sample(LoopSample(140 * MS, 0, 0, 130 * MS, 2, 8, 130 * MS))
    assert list(loop.phases_by_column(0, 40 * MS, 0, 5, 190 * MS)) == [2, 3, 3, 3, 3]
    assert list(loop.phases_by_column(0, 10 * MS, 12, 19, 170 * MS)) == [3, 2, 2, 2, 2, 0, 0]
    loop.take_run(10 * MS, 30 * MS)
    assert list(loop.phases_by_column(0, 10 * MS, 0, 9, 170 * MS)) == [0, 2, 2, 0, 0, 0, 0, 0, 0]


def test_a_stall_is_painted_to_the_present_before_a_sample_has_shown_its_run() -> None:
    loop = LoopLane()
    loop.stalls.take(Stall(1, 10 * MS, 70 * MS, 0, "blocked", 7, "/app.py", 3, "read", "sleep()", [], 1))
    assert list(loop.phases_by_column(0, 40 * MS, 0, 5, 190 * MS)) == [2, 3, 3, 3, 3]


def test_a_slot_is_busy_and_then_only_held() -> None:
    slot = Slot(0)
    slot.add(Use(1, 10, 30, 50))
    slot.open = Use(2, 60)
    assert list(slot.phases_by_column(0, 10, 0, 9, 80)) == [0, BUSY, BUSY, HELD, HELD, 0, BUSY, BUSY, 0]


def test_foreign_rows_come_after_the_users() -> None:
    model = Model()
    model.users.expect(2)
    foreign = Request()
    foreign.begin_ns = 5
    model.users.place_foreign(foreign)
    assert model.users.count == 3
    assert model.users.row(2).requests == [foreign]
