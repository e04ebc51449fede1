from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from looplab.view.window import (
    BURST_LARGEST_NS,
    CONSTANT_LARGEST_NS,
    GROWING_NS,
    Sweep,
    Window,
    Windows,
    fitting_ns,
    ticks,
)
from looplab.wire.clock import MS, S

windows = st.builds(
    Window.over,
    origin_ns=st.just(10**15),
    start_ns=st.integers(10**15, 10**15 + 10**12),
    span_ns=st.integers(20 * MS, 300 * S),
    columns=st.integers(1, 400),
)


@given(windows, st.integers(0, 399))
def test_a_column_begins_at_its_edge_and_ends_before_the_next(window: Window, column: int) -> None:
    assert window.column(window.edge_ns(column)) == column
    assert window.column(window.edge_ns(column + 1) - 1) == column


@given(windows)
def test_the_window_is_never_shorter_than_asked_and_less_than_a_column_a_column_longer(
    window: Window,
) -> None:
    assert window.edge_ns(window.columns) == window.end_ns
    assert window.reached(window.start_ns - 1) == 0
    assert window.reached(window.start_ns) == 1
    assert window.reached(window.end_ns + S) == window.columns


@given(st.lists(st.integers(0, 59 * S), min_size=1, max_size=30).map(sorted))
def test_a_burst_is_whole_in_every_frame(elapsed: list[int]) -> None:
    sweep, origin = Sweep(), 5 * S
    spans = []
    for ns in elapsed:
        window = sweep.window(origin, origin + ns, 80)
        assert window.start_ns == origin
        assert window.end_ns > origin + ns
        spans.append(window.span_ns)
    assert spans == sorted(spans)


@given(st.integers(1, BURST_LARGEST_NS))
def test_a_finished_burst_is_shown_whole_at_its_best_scale(length_ns: int) -> None:
    window = Sweep().window(S, S + length_ns, 80, ended_ns=S + length_ns)
    assert window.start_ns == S
    assert window.span_ns >= length_ns
    assert fitting_ns(length_ns) <= max(20 * MS, 1.5 * length_ns)


def test_the_window_grows_by_its_steps() -> None:
    sweep = Sweep()
    seen = []
    for second in range(16):
        span = sweep.window(S, S + second * S, 100).span_ns
        if span not in seen:
            seen.append(span)
    assert seen == list(GROWING_NS[: len(seen)])
    assert seen[-1] == 20 * S


def test_constant_traffic_pages_when_its_largest_window_is_full() -> None:
    sweep = Sweep()
    first = sweep.window(S, S + 9 * S, 100, largest_ns=CONSTANT_LARGEST_NS)
    second = sweep.window(S, S + 12 * S, 100, largest_ns=CONSTANT_LARGEST_NS)
    assert (first.start_ns, first.span_ns) == (S, CONSTANT_LARGEST_NS)
    assert (second.start_ns, second.span_ns) == (S + CONSTANT_LARGEST_NS, CONSTANT_LARGEST_NS)


def test_a_new_burst_begins_small_again() -> None:
    sweep = Sweep()
    assert sweep.window(S, 20 * S, 100).span_ns == 20 * S
    assert sweep.window(30 * S, 30 * S, 100).span_ns == S


@given(windows, st.integers(8, 20))
def test_ticks_stand_inside_the_window_and_apart(window: Window, room: int) -> None:
    found = ticks(window, room)
    columns = [column for column, _ in found]
    assert all(0 <= column < window.columns for column in columns)
    assert columns == sorted(columns)
    assert all(at_ns % MS == 0 for _, at_ns in found)
    if len(found) > 2:
        assert all(b - a >= room - 1 for a, b in pairwise(columns[:-1]))


# Windows that people chose


def _live(chosen: Windows, now_ns: int, columns: int = 100, ended_ns: int = 0) -> Window:
    return chosen.live(S, now_ns, columns, ended_ns=ended_ns, largest_ns=CONSTANT_LARGEST_NS)


def test_a_window_that_was_chosen_pages() -> None:
    chosen = Windows()
    chosen.span_ns = 5 * S
    assert _live(chosen, 4 * S).start_ns == S
    assert _live(chosen, 12 * S).start_ns == 11 * S
    # What is over fills its last page: the moment of its end is no page of its own.
    assert _live(chosen, 11 * S, ended_ns=11 * S).start_ns == 6 * S


@given(st.integers(0, 400 * S), st.integers(2, 300), st.sampled_from(GROWING_NS))
def test_a_strip_that_runs_has_now_at_its_right_edge(elapsed_ns: int, columns: int, span_ns: int) -> None:
    chosen = Windows()
    chosen.runs, chosen.span_ns = True, span_ns
    window = _live(chosen, S + elapsed_ns, columns)
    assert window.holds(S + elapsed_ns)
    assert window.start_ns == S or window.column(S + elapsed_ns) == columns - 1
    # Columns keep their edges, so that what is drawn in them only moves on.
    assert (window.start_ns - S) % window.column_ns == 0


def test_a_strip_that_runs_by_itself_grows_first() -> None:
    chosen = Windows()
    chosen.runs = True
    assert _live(chosen, 4 * S).start_ns == S
    window = _live(chosen, 31 * S)
    assert window.asked_ns == CONSTANT_LARGEST_NS
    assert window.column(31 * S) == 99


def test_windows_lie_columns_apart_or_are_cut_otherwise() -> None:
    window = Window.over(S, S, 10 * S, 100)
    assert window.runs_to(replace(window, start_ns=S + 300 * MS)) == 3
    for other in (
        window,
        replace(window, start_ns=S + 250 * MS),
        replace(window, start_ns=S + 10 * S),
        replace(window, start_ns=S - 100 * MS),
        replace(window, start_ns=S + 300 * MS, origin_ns=0),
        Window.over(S, S + 300 * MS, 20 * S, 100),
    ):
        assert window.runs_to(other) == 0


def test_widths_go_round_by_way_of_the_one_that_grows_by_itself() -> None:
    chosen, window = Windows(), Window.over(S, S, 7 * S, 100)
    seen = [chosen.turn(1, window) for _ in range(9)]
    assert [span // S for span in seen] == [10, 15, 20, 30, 45, 60, 120, 300, 0]
    down = [chosen.turn(-1, window) for _ in range(5)]
    assert [span // S for span in down] == [5, 3, 2, 1, 0]


@given(st.integers(0, 299 * S), st.integers(10, 200), st.booleans(), st.sampled_from(GROWING_NS))
def test_the_window_of_a_held_moment_holds_it(t_ns: int, columns: int, runs: bool, span_ns: int) -> None:
    chosen = Windows()
    chosen.runs = runs
    window = _live(chosen, 20 * S)
    assert chosen.held(window, S, window.start_ns + S, 100) == window
    for moment_ns in (S + t_ns, S + 299 * S - t_ns):
        window = chosen.held(window, S, moment_ns, columns)
        assert window.holds(moment_ns)
        assert window.columns == columns
        chosen.span_ns = span_ns
