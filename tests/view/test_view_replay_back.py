"""Going back in a replay: the moment is shown at once, of what is remembered, and then as it was."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from streams import START_NS

from looplab.recording import Recording, index
from looplab.scenario import catalogue
from looplab.view.observer import Observer
from looplab.view.palette import palette
from looplab.view.panels.base import Panel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.panels.verdict import VerdictPanel
from looplab.view.replay import Player
from looplab.view.state import Choice, View
from looplab.view.transport import Transport
from looplab.wire.clock import MS, S

scenarios = cache(catalogue)
BLOCKED = Path(__file__).parents[1] / "recordings" / "one-keyword-async-blocking.looplab"
FRAME_NS = 100 * MS
Rows = list[list[object]]


class Screen:
    """A player and what stands before it: panels that were drawn before, on a clock of its own."""

    def __init__(self) -> None:
        self.now_ns = START_NS
        self._step_ns = 0
        recording = Recording(BLOCKED)
        self.player = Player(recording, index(recording), scenarios(), clock=self._look)
        self.began_ns = self.player.index.began_ns
        self.observer = Observer()
        self._panels: list[Panel] = [UsersPanel(), LoopsPanel(), ThreadsPanel(), VerdictPanel()]
        for panel in self._panels:
            panel.resize(100, 16)
            panel.dress(palette("dark", "full"))

    def _look(self) -> int:
        self.now_ns += self._step_ns
        return self.now_ns

    def frame(self, *, slow: bool = False) -> View:
        """Show a frame; in a slow one there is time for a single batch of a jump."""
        self._step_ns = S if slow else 0
        self.player.drain(S)
        self._step_ns = 0
        at_ns, past_ns = self.player.clock(), self.player.past_ns
        choice = Choice(self.player.selection)
        view = self.observer.view(self.player.model, choice, at_ns, 93, past_ns=past_ns)
        for panel in self._panels:
            panel.take(view)
        return view

    def play(self, length_ns: int) -> View:
        for _ in range(length_ns // FRAME_NS):
            self.now_ns += FRAME_NS
            view = self.frame()
        return view

    def arrive(self) -> View:
        """Wait until a jump is done."""
        while self.player.seeking is not None:
            self.frame()
        return self.frame()

    def drawn(self) -> Rows:
        return [[panel.line(y) for y in range(16)] for panel in self._panels]


def straight_to(at_ns: int, like: Screen) -> Rows:
    """Draw a moment with fresh panels that never saw a later one, in as wide a window."""
    screen = Screen()
    screen.observer.windows = like.observer.windows
    screen.player.pause()
    screen.player.jump(screen.began_ns + at_ns)
    screen.arrive()
    return screen.drawn()


def test_a_jump_back_shows_its_moment_at_once_and_then_as_it_was() -> None:
    screen = Screen()
    before = screen.play(6 * S)
    screen.player.pause()
    goal_ns = screen.began_ns + 3 * S
    known = screen.observer.history.at(goal_ns)
    screen.player.jump(goal_ns)
    view = screen.frame(slow=True)
    assert screen.player.seeking is not None
    assert view.model is before.model, "the model of that moment is not there yet"
    assert (view.now_ns, view.frozen) == (goal_ns, True)
    assert known is not None
    assert (view.statistics, view.verdicts, view.in_flight) == (
        known.statistics,
        known.verdicts,
        known.in_flight,
    )
    assert view.statistics != before.statistics
    view = screen.arrive()
    assert view.model is not before.model
    assert (view.now_ns, view.frozen) == (goal_ns, False)
    assert screen.drawn() == straight_to(3 * S, screen)


def test_what_was_remembered_serves_the_next_jump_back_too() -> None:
    screen = Screen()
    screen.play(6 * S)
    screen.player.pause()
    for seconds in (4, 2):
        screen.player.jump(screen.began_ns + seconds * S)
        view = screen.frame(slow=True)
        assert (view.now_ns, view.frozen) == (screen.began_ns + seconds * S, True)
        screen.arrive()
        newest = screen.observer.history.newest
        assert newest is not None
        assert newest.shown_ns == screen.began_ns + 6 * S, "going back forgets nothing"
    assert screen.drawn() == straight_to(2 * S, screen)
    screen.player.pause()
    screen.play(3 * S)
    screen.player.pause()
    view = screen.frame()
    assert view.statistics == view.model.statistics(), "the present is not what was remembered of it"
    assert screen.drawn() == straight_to(5 * S, screen)


def test_what_is_not_remembered_is_waited_for() -> None:
    screen = Screen()
    screen.player.pause()
    screen.player.jump(screen.began_ns + 6 * S)
    first = screen.arrive()
    screen.player.jump(screen.began_ns + 3 * S)
    view = screen.frame(slow=True)
    assert (view.now_ns, view.frozen) == (first.now_ns, False)
    assert screen.arrive().now_ns == screen.began_ns + 3 * S


def test_jumps_that_follow_each_other_begin_from_the_way_that_is_gone() -> None:
    screen = Screen()
    screen.play(6 * S)
    screen.player.jump(screen.began_ns + 4 * S)
    for _ in range(20):
        screen.frame(slow=True)
    coming = screen.player._coming
    assert coming is not None
    assert coming.at_ns > screen.began_ns
    screen.player.jump(screen.began_ns + 3 * S)
    assert screen.player._coming is coming
    screen.player.jump(coming.at_ns - 1)
    assert screen.player._coming not in (None, coming), "it has come too far"
    screen.player.jump(screen.began_ns + 7 * S)
    assert screen.player._coming is None, "what is shown is nearer"
    assert screen.arrive().now_ns == screen.began_ns + 7 * S


def test_header_and_keys_stay_those_of_a_replay() -> None:
    screen = Screen()
    screen.play(6 * S)
    screen.player.jump(screen.began_ns + 3 * S)
    view = screen.frame(slow=True)
    view.transport = Transport(3 * S, 9 * S, 1.0, False, False, 0.25, (), True)
    assert view.replays
    assert view.status == view.transport.status
    view.transport = Transport(3 * S, 9 * S, 1.0, True, False, None, (), True)
    assert not view.replays, "the picture is held by hand"
