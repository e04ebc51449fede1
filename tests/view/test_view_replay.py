"""A replay: the same pictures from the file, at any speed, from anywhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from streams import START_NS

from looplab.model import Model
from looplab.recording import Recorder, Recording, index
from looplab.scenario import catalogue
from looplab.view.observer import Observer
from looplab.view.palette import palette
from looplab.view.panels.base import Panel
from looplab.view.panels.code import CodePanel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.numbers import NumbersPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.panels.verdict import VerdictPanel
from looplab.view.replay import Player
from looplab.view.state import Choice, View
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch

scenarios = cache(catalogue)
RECORDINGS = Path(__file__).parents[1] / "recordings"
BLOCKED = RECORDINGS / "one-keyword-async-blocking.looplab"
FRAME_NS = 50 * MS


class Clock:
    """A clock that stands, or goes on by a step whenever it is looked at."""

    def __init__(self) -> None:
        self.now_ns = START_NS
        self.step_ns = 0

    def __call__(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


def player_of(clock: Clock, path: Path = BLOCKED, *, on_board: bool = True, speed: float = 1.0) -> Player:
    recording = Recording(path)
    return Player(recording, index(recording), scenarios() if on_board else [], speed=speed, clock=clock)


def go(player: Player, clock: Clock, length_ns: int = 0) -> int:
    """Let time pass in frames, then wait for a jump if one is under way; give the moment that is shown."""
    for _ in range(length_ns // FRAME_NS):
        clock.now_ns += FRAME_NS
        player.drain(S)
        player.clock()
    while player.seeking is not None:
        player.drain(S)
        player.clock()
    player.drain(S)
    return player.clock()


def picture(player: Player) -> list[list[object]]:
    """Draw what is shown now with fresh panels."""
    view = view_of(player)
    panels: list[Panel] = [UsersPanel(), LoopsPanel(), CodePanel(), VerdictPanel(), NumbersPanel()]
    drawn: list[list[object]] = []
    for panel in panels:
        panel.resize(100, 24)
        panel.dress(palette("dark", "full"))
        panel.take(view)
        drawn.append([panel.line(y) for y in range(24)])
    return drawn


def view_of(player: Player) -> View:
    return Observer().view(player.model, Choice(player.selection), player.clock(), 93)


def test_replayed_twice_it_gives_the_same_frames(clock: Clock) -> None:
    moments = [0, 1_500 * MS, 2 * S, 5 * S, 20 * S]
    pictures = []
    for _ in range(2):
        player = player_of(clock)
        shown = []
        for before, moment in zip([0, *moments], moments, strict=False):
            at_ns = go(player, clock, moment - before)
            shown.append((at_ns - player.index.began_ns, picture(player)))
        pictures.append(shown)
    assert pictures[0] == pictures[1]
    drawn = [str(picture) for _, picture in pictures[0]]
    assert len(set(drawn)) == len(drawn)


def test_a_moment_is_the_same_however_it_is_reached(clock: Clock) -> None:
    played = player_of(clock)
    began_ns = played.index.began_ns
    assert go(played, clock, 4 * S) == began_ns + 4 * S
    played.pause()
    jumped = player_of(clock)
    jumped.pause()
    for to_ns in (8 * S, 1 * S, 4 * S):
        jumped.jump(began_ns + to_ns)
        assert go(jumped, clock) == began_ns + to_ns
    fast = player_of(clock, speed=10)
    assert go(fast, clock, 400 * MS) == began_ns + 4 * S
    assert picture(played) == picture(jumped) == picture(fast)
    truth = Model()
    for batch in Recording(BLOCKED):
        if batch.received_ns <= began_ns + 4 * S:
            truth.apply(batch)
    for player in (played, jumped, fast):
        assert player.model.result() == truth.result()


def test_space_holds_the_clock_and_the_end_holds_the_picture(clock: Clock) -> None:
    player = player_of(clock)
    go(player, clock, 1 * S)
    player.pause()
    held_ns = go(player, clock, 5 * S)
    assert held_ns == player.index.began_ns + 1 * S
    assert player.paused
    player.pause()
    assert go(player, clock, 1 * S) == held_ns + 1 * S
    player.faster(1)
    assert player.speed == 2
    assert go(player, clock, 1 * S) == held_ns + 3 * S
    assert go(player, clock, 20 * S) == player.index.ended_ns
    assert player.ended
    assert player.model.finished
    end = picture(player)
    go(player, clock, 60 * S)
    assert picture(player) == end
    player.pause()
    assert go(player, clock) == player.index.began_ns
    assert not player.paused


def test_a_long_jump_keeps_the_picture_until_the_other_is_there(clock: Clock) -> None:
    player = player_of(clock)
    go(player, clock, 6 * S)
    before = player.model
    player.jump(player.index.began_ns + 3 * S)
    shares = []
    while player.seeking is not None:
        # A clock that runs away: each frame has time for one batch.
        clock.step_ns = S
        player.drain(1)
        clock.step_ns = 0
        shares.append(player.seeking)
        if player.seeking is not None and player.seeking < 1:
            assert player.model is before
        player.clock()
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert player.model is not before
    assert player.jumps == 1


def test_a_machine_that_is_too_slow_for_the_speed_shows_no_moment_before_its_events(clock: Clock) -> None:
    player = player_of(clock)
    clock.now_ns += 5 * S
    clock.step_ns = S
    player.drain(1)
    clock.step_ns = 0
    assert player.clock() - player.index.began_ns < 1 * S


def test_marks_are_gone_through_in_both_directions(clock: Clock) -> None:
    player = player_of(clock)
    player.pause()
    went = []
    while (mark := player.mark(1)) is not None:
        go(player, clock)
        went.append(mark)
        assert player.clock() == mark.at_ns
    assert [mark.kind for mark in went] == ["stall", "stall"]
    back = player.mark(-1)
    assert back == went[0]
    go(player, clock)
    assert player.mark(-1) is player.index.marks[0]


def test_what_is_on_board_gives_title_code_and_traffic(clock: Clock) -> None:
    player = player_of(clock)
    go(player, clock, 3 * S)
    chosen = player.selection
    assert (chosen.scenario.title, chosen.variant.title) == ("One keyword", "async def + time.sleep")
    assert (chosen.plan.requests, chosen.users, chosen.knobs) == (40, 40, {"delay": 0.1})
    code = "\n".join(str(row) for row in picture(player)[2])
    assert "time.sleep(delay)" in code


def test_what_is_not_on_board_has_a_stand_in(clock: Clock) -> None:
    player = player_of(clock, on_board=False)
    go(player, clock, 3 * S)
    chosen = player.selection
    assert (chosen.scenario.title, chosen.variant.title) == ("one-keyword", "async def + time.sleep")
    assert chosen.plan.executor == "burst"
    view = view_of(player)
    assert view.verdicts[0].id == "loop-blocked"


def test_a_damaged_file_plays_up_to_the_damage_and_the_log_says_so(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes(BLOCKED.read_bytes()[:20_000])
    player = player_of(clock, path)
    assert go(player, clock, 20 * S) == player.index.ended_ns
    assert not player.model.finished
    said = player.model.notices[-1]
    assert (said.source, said.level) == ("lab", "warning")
    assert said.text.startswith("the recording plays up to the damage: the file was cut off")


def test_a_jump_into_the_second_run_reads_nothing_of_the_first(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("looplab.recording.recorder.EVENTS_PER_FRAME", 20)
    first, second = Recording(BLOCKED), Recording(RECORDINGS / "one-keyword-async-await.looplab")
    recorder = Recorder(tmp_path / "r", "one-keyword", "async-await", {}, {}, pytest.fail)
    shift_ns = index(first).ended_ns + S - index(second).began_ns
    for batch in first:
        recorder.put(batch)
    for batch in second:
        recorder.put(Batch(batch.source, batch.received_ns + shift_ns, batch.events))
    recorder.close()
    player = player_of(clock, tmp_path / "r")
    assert [mark.kind for mark in player.index.marks] == ["run", "stall", "stall", "run"]
    player.jump(player.index.ended_ns)
    go(player, clock)
    assert player.selection.variant.id == "async-await"
    assert player.model.result()["ok"] == 40
    assert player.jumps == 1
