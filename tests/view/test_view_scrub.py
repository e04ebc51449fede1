"""A held picture: the playhead, the figures of the past, and bands that show any moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import played, selection, text_of
from streams import START_NS

from looplab.model import Model, Statistics
from looplab.view.history import FIGURES_PERIOD_NS, KEPT_NS, Figures, History, figures
from looplab.view.layout import GUTTER
from looplab.view.observer import Observer
from looplab.view.panels.base import Panel
from looplab.view.panels.code import CodePanel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.playhead import SPEEDS, Playhead, next_speed
from looplab.view.state import Choice, View
from looplab.wire.clock import MS, S

COLUMNS = 60
WIDTH = COLUMNS + GUTTER + 1
STEP_NS = 50 * MS
END_NS = START_NS + 2 * S


class Run:
    """A run that was watched from its beginning, and goes on."""

    def __init__(self, variant: str, until_ns: int = END_NS, **changes: int) -> None:
        self.coming = list(played(variant, **changes))
        self.model = Model()
        self.observer = Observer()
        self.choice = Choice(selection(variant=variant))
        self.then: dict[int, View] = {}
        self.now_ns = 0
        for t_ns in range(START_NS - 100 * MS, until_ns + 1, STEP_NS):
            self.then[t_ns] = self.at(t_ns)

    def at(self, now_ns: int) -> View:
        """Let time go on to a moment, and give the frame."""
        self.now_ns = now_ns
        while self.coming and self.coming[0].received_ns <= now_ns:
            self.model.apply(self.coming.pop(0))
        return self.observer.view(self.model, self.choice, now_ns, COLUMNS)

    def held(self, t_ns: int) -> View:
        """Hold the picture at a moment."""
        self.observer.hold(t_ns)
        return self.at(self.now_ns)


@pytest.fixture(scope="module")
def blocked() -> Run:
    return Run("async-blocking")


# Playhead


def test_a_playhead_plays_at_its_speed_until_it_is_in_the_present() -> None:
    head = Playhead()
    head.advance(10 * S, 0, 10 * S, running=True)
    head.hold(2 * S)
    head.advance(11 * S, 0, 11 * S, running=True)
    assert head.held_ns == 2 * S
    head.play(0.1)
    head.advance(12 * S, 0, 12 * S, running=True)
    assert head.held_ns == 2 * S + 100 * MS
    head.play(10)
    head.advance(12 * S + 500 * MS, 0, 12 * S + 500 * MS, running=True)
    assert (head.held_ns, head.speed) == (7 * S + 100 * MS, 10)
    head.advance(14 * S, 0, 14 * S, running=True)
    assert (head.held_ns, head.speed) == (0, 0)


def test_a_playhead_stands_at_the_end() -> None:
    head = Playhead()
    head.hold(S)
    head.play(10)
    head.advance(5 * S, 0, 3 * S, running=False)
    assert (head.held_ns, head.speed) == (3 * S, 0)


@given(st.lists(st.integers(1, 50 * MS), min_size=1, max_size=60), st.sampled_from(SPEEDS))
def test_no_nanosecond_of_slow_motion_is_lost_between_frames(frames: list[int], speed: float) -> None:
    head, now_ns = Playhead(), S
    head.advance(now_ns, 0, S, running=True)
    head.hold(1)
    head.play(speed)
    for passed_ns in frames:
        now_ns += passed_ns
        head.advance(now_ns, 0, 10**15, running=True)
    assert abs(head.held_ns - 1 - sum(frames) * speed) <= 1


def test_speeds_go_up_and_down_and_end() -> None:
    up = [0.0]
    for _ in range(6):
        up.append(next_speed(up[-1], 1))
    assert up == [0.0, 1.0, 2.0, 5.0, 10.0, 10.0, 10.0]
    down = [0.0]
    for _ in range(3):
        down.append(next_speed(down[-1], -1))
    assert down == [0.0, 0.1, 0.0, 0.1]
    assert next_speed(1.0, -1) == 0.5


# Figures of the past


def _figures(t_ns: int) -> Figures:
    return Figures(shown_ns=t_ns, origin_ns=S, statistics=Statistics(ok=t_ns))


def test_the_figures_of_any_moment_of_five_minutes_are_kept_in_little_memory() -> None:
    history = History()
    for t_ns in range(S, 700 * S, FIGURES_PERIOD_NS):
        history.add(_figures(t_ns))
    last_ns = 700 * S - FIGURES_PERIOD_NS
    assert last_ns - KEPT_NS - 3 * S < history.first_ns <= last_ns - KEPT_NS
    for t_ns in (history.first_ns, 400 * S, 555 * S + 55 * MS, last_ns):
        found = history.at(t_ns)
        assert found is not None
        assert found.shown_ns == t_ns // FIGURES_PERIOD_NS * FIGURES_PERIOD_NS
        assert found.statistics.ok == found.shown_ns
    before = history.at(S)
    assert before is not None
    assert before.shown_ns == history.first_ns
    assert history.size < 400_000


def test_before_the_traffic_there_is_nothing_to_go_back_to() -> None:
    history = History()
    for t_ns in (S, 2 * S):
        history.add(replace(_figures(t_ns), origin_ns=0))
    history.add(_figures(3 * S))
    # The traffic has begun a moment before it is heard of.
    assert history.first_ns == S
    assert history.newest == history.at(S) == _figures(3 * S)
    history.add(replace(_figures(3 * S), rps=7.0))
    found = history.at(9 * S)
    assert found is not None
    assert found.rps == 7.0


def test_a_held_picture_has_the_verdict_and_the_figures_of_its_moment(blocked: Run) -> None:
    for t_ns, then in blocked.then.items():
        if t_ns > START_NS + 200 * MS:
            now = blocked.held(t_ns)
            assert now.headline == then.headline
            assert (now.in_flight, now.queued, now.rps, now.lag_ms) == (
                then.in_flight,
                then.queued,
                then.rps,
                then.lag_ms,
            )
            assert now.statistics == then.statistics
            assert now.pools == then.pools
    blocked.observer.release()


def test_while_it_is_held_the_figures_of_what_goes_on_are_kept() -> None:
    run = Run("async-blocking", START_NS + 600 * MS)
    held = run.held(START_NS + 400 * MS)
    for t_ns in range(START_NS + 700 * MS, START_NS + 2 * S, STEP_NS):
        later = run.at(t_ns)
        assert later is held
        assert (later.now_ns, later.front_ns) == (START_NS + 400 * MS, t_ns)
    assert held.status == ("❄", "frozen 00:00.400  1.6 s behind", "info")
    passed = run.held(START_NS + 1_500 * MS)
    assert passed.shown_ns == START_NS + 1_500 * MS
    assert "LOOP BLOCKED 1.50 s" in passed.headline.text


def test_a_held_picture_plays_on_though_the_clock_of_a_recording_stands() -> None:
    run = Run("async-blocking", START_NS + S)
    run.held(START_NS + 500 * MS)
    for frame in range(11):
        view = run.observer.view(run.model, run.choice, run.now_ns, COLUMNS, real_ns=10 * S + frame * STEP_NS)
        run.observer.play(0.5)
    assert view.now_ns == START_NS + 500 * MS + 5 * STEP_NS
    assert view.status[:2] == ("▶", "0.5× 00:00.750  0.2 s behind")


def test_the_window_stands_still_while_its_moment_is_inside() -> None:
    run = Run("async-blocking", START_NS + 2_500 * MS)
    window = run.held(START_NS + 2_500 * MS).window
    run.now_ns = START_NS + 30 * S
    for t_ns in (START_NS + 2_400 * MS, START_NS + MS, START_NS + 2_900 * MS):
        assert run.held(t_ns).window == window
    # Beyond its right edge the next page follows.
    beyond = run.held(window.end_ns + MS).window
    assert (beyond.start_ns, beyond.span_ns) == (window.origin_ns + window.asked_ns, window.span_ns)
    run.observer.release()
    assert run.at(run.now_ns).window.span_ns > window.span_ns


def test_an_earlier_burst_of_the_run_is_shown_on_its_own_axis() -> None:
    run = Run("async-await", START_NS + 3 * S)
    assert run.model.finished
    then = run.held(START_NS + 200 * MS)
    run.observer.release()
    # Another burst has begun since.
    run.model.generators.periods.clear()
    run.model.started_ns = 20 * S
    run.observer.history.add(replace(figures(run.model, 20 * S, 20 * S), origin_ns=20 * S, ended_ns=0))
    now = run.held(START_NS + 200 * MS)
    assert now.window.origin_ns == then.window.origin_ns == START_NS
    assert now.headline == then.headline


def test_a_picture_that_is_held_is_not_moved_by_another_run() -> None:
    run = Run("async-blocking", START_NS + S)
    held = run.held(START_NS + 500 * MS)
    other = Model()
    assert run.observer.view(other, run.choice, START_NS + 2 * S, COLUMNS) is held
    run.observer.release()
    assert run.observer.view(other, run.choice, START_NS + 2 * S, COLUMNS).model is other
    assert run.observer.history.newest is not None
    assert run.observer.history.first_ns == run.observer.history.newest.shown_ns


# Bands of the past


def _bands() -> list[tuple[Panel, int]]:
    return [(UsersPanel(), 21), (LoopsPanel(), 3), (ThreadsPanel(), 6)]


def _drawn(panel: Panel, view: View, height: int) -> list[object]:
    """Give the rows without their title, with their colours."""
    text_of(panel, view, WIDTH, height)
    return [[(s.text, s.style) for s in panel.line(y)] for y in range(1, height)]


@pytest.mark.parametrize("variant", ["async-blocking", "def-blocking", "async-offload"])
@settings(max_examples=12, deadline=None)
@given(moments=st.lists(st.integers(0, 2_000), min_size=2, max_size=5), runs=st.booleans())
def test_bands_that_move_in_time_show_what_fresh_ones_do(
    variant: str, moments: list[int], runs: bool
) -> None:
    run = RUNS.setdefault(variant, Run(variant))
    run.observer.windows.runs = runs
    run.observer.windows.span_ns = S if runs else 0
    moving = _bands()
    for at_ms in moments:
        view = run.held(START_NS + at_ms * MS)
        for (panel, height), (fresh, _) in zip(moving, _bands(), strict=True):
            assert _drawn(panel, view, height) == _drawn(fresh, view, height)


RUNS: dict[str, Run] = {}


@pytest.mark.parametrize("variant", ["async-blocking", "def-blocking", "async-offload"])
def test_a_strip_that_runs_shows_what_fresh_bands_do(variant: str) -> None:
    run = Run(variant, START_NS)
    run.observer.windows.runs, run.observer.windows.span_ns = True, 400 * MS
    running = _bands()
    for t_ns in range(START_NS, START_NS + 2 * S, 33 * MS):
        view = run.at(t_ns)
        for panel, height in running:
            text_of(panel, view, WIDTH, height)
    assert view.window.start_ns > START_NS
    assert view.window.column(view.now_ns) == COLUMNS - 1 or view.finished
    for (panel, height), (fresh, _) in zip(running, _bands(), strict=True):
        drawn = _drawn(panel, view, height)
        assert [row for row in drawn if "lag" not in str(row[0])] == [
            row for row in _drawn(fresh, view, height) if "lag" not in str(row[0])
        ]


def test_a_held_picture_ends_at_its_moment(blocked: Run) -> None:
    view = blocked.held(START_NS + 1_030 * MS)
    reached = view.window.reached(view.now_ns)
    for panel, height in _bands():
        for row in text_of(panel, view, WIDTH, height)[1:]:
            assert not row[GUTTER + reached :].strip()
    assert "100 of 100 in flight" in text_of(UsersPanel(), view, WIDTH, 21)[0]
    assert "lag 990 ms" in text_of(LoopsPanel(), view, WIDTH, 3)[0]
    blocked.observer.release()


def test_the_code_shows_the_line_that_blocked_at_the_moment() -> None:
    run = Run("async-blocking", START_NS + 30 * S, requests=10, users=10)
    assert run.model.finished
    view = run.held(START_NS + 900 * MS)
    rows = text_of(CodePanel(), view, 44, 8)
    assert rows[0].endswith("▶ blocks the loop")
    assert rows[3] == " ▶ 25      time.sleep(delay)"
    after = run.held(run.model.ended_ns)
    assert after.finished
    assert after.status[1].startswith("frozen")


def test_full_threads_of_the_past_are_full() -> None:
    run = Run("def-blocking", START_NS + 3 * S)
    assert "0/40 held, 40 at most" in text_of(ThreadsPanel(), run.at(run.now_ns), WIDTH, 6)[0]
    title = text_of(ThreadsPanel(), run.held(START_NS + 150 * MS), WIDTH, 6)[0]
    assert title.startswith("─ Threads  40/40 held, 60 waiting ─")
    assert title.endswith("full")
