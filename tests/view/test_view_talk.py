"""A talk on the screen, by keys alone: what it shows, what the lab is asked for, zoom and pressed keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake import FakeLab
from stage import Clock, Stage, played, selection
from streams import START_NS
from talks import talk
from textual.pilot import Pilot

from looplab.lab.notes import Notes
from looplab.scenario import TOUR, Talk, catalogue, load_talk
from looplab.view.app import LoopLabApp
from looplab.view.pressed import FADING_NS, SHOWN_NS
from looplab.view.widget import PanelWidget
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch

SIZE = (120, 36)


def shown(stage: Stage, name: str) -> str:
    """Give the text of a panel, or nothing if it is not there."""
    widget = stage.app.main.query_one(f"#{name}", PanelWidget)
    if not widget.display:
        return ""
    return " ".join(word for y in range(widget.size.height) for word in widget.panel.line(y).text.split())


class Theatre(Stage):
    """The stage with a talk; a run begins when it is asked for, with the stream of its variant."""

    def __init__(self, told: Talk, *, auto: bool = False, scene: int = 0) -> None:
        self.clock = Clock()
        self.lab = FakeLab()
        self._coming: list[Batch] = []
        self.notes: list[Notes] = []
        self.app = LoopLabApp(
            self.lab,
            catalogue(),
            selection(),
            clock=self.clock,
            live=False,
            depth="full",
            talk=told,
            scene=scene,
            auto=auto,
            publish=self.notes.append,
        )


@pytest.fixture
def theatre(tmp_path: Path) -> Callable[..., Theatre]:
    return lambda **more: Theatre(talk(tmp_path), **more)


async def go_on(stage: Stage, pilot: Pilot[None], ns: int, *keys: str) -> None:
    """Press keys, let time pass, and look: places first, then what stands in them."""
    await pilot.press(*keys)
    stage.frame(stage.clock.now_ns + ns)
    await pilot.pause()
    stage.frame(stage.clock.now_ns)


async def test_the_keys_tell_a_scenario_in_its_own_steps() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        assert shown(stage, "step") == ""
        assert "n steps" in shown(stage, "footer")
        await go_on(stage, pilot, 150 * MS, "n")
        # The question is about what is on the screen already.
        assert "Which one freezes?" in shown(stage, "step")
        assert "n goes on" in shown(stage, "step")
        assert len(stage.lab.calls) == 1
        await go_on(stage, pilot, 150 * MS, "enter", "n", "n")
        assert stage.lab.calls[1:] == [
            ("start", "one-keyword", "def-blocking", {"delay": 0.1}),
            ("start", "one-keyword", "async-blocking", {"delay": 0.1}),
        ]
        # What the model says is still about the run before: no lag of it counts.
        assert "waits until loop lag > 500 ms; now –" in shown(stage, "step")
        stage.lab.inbox.extend(batch for batch in played("async-blocking") if batch.received_ns < 9 * S)
        await go_on(stage, pilot, 150 * MS)
        assert "the answer in" in shown(stage, "step")
        await go_on(stage, pilot, 20 * S)
        assert "One at a time." in shown(stage, "step")
        await go_on(stage, pilot, 150 * MS, "n")
        assert stage.lab.calls[-1] == ("start", "one-keyword", "async-await", {"delay": 0.1})
        await go_on(stage, pilot, 150 * MS, "p")
        assert stage.lab.calls[-1] == ("start", "one-keyword", "async-blocking", {"delay": 0.1})
        await go_on(stage, pilot, 150 * MS, *["n"] * 6)
        # After the last step they are put away, and another scenario has its own.
        assert shown(stage, "step") == ""
        await go_on(stage, pilot, 150 * MS, "2", "n")
        assert "A route that does nothing" in shown(stage, "step")
        await go_on(stage, pilot, 150 * MS, "1")
        assert shown(stage, "step") == ""


async def test_a_talk_goes_through_its_scenes(theatre: Callable[..., Theatre]) -> None:
    stage = theatre()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        assert stage.lab.calls == [("start", "one-keyword", "async-await", {"delay": 0.2})]
        assert stage.app.choice.selection.users == 25
        assert "1/4 One keyword" in shown(stage, "step")
        await go_on(stage, pilot, 150 * MS, "n", "n")
        assert "Everybody waits for one." in shown(stage, "step")
        await go_on(stage, pilot, 300 * MS, "n")
        # Turned as the keys turn, so that the axis has a mark of it.
        assert stage.lab.calls[2:] == [("set_users", 5), ("burst", 50, 5)]
        assert stage.app.main.zoomed == "figures"
        await go_on(stage, pilot, 150 * MS, "n")
        assert stage.lab.calls[4:] == [("start", "cpu-bound", "async", {"below": 25000.0}), ("stop_traffic",)]
        assert stage.app.main.zoomed == ""
        assert "the end" in shown(stage, "step")
        await go_on(stage, pilot, 150 * MS, "n")
        assert stage.app.choice.hint == "the talk is over: p goes back"
        # Back with all that the steps before had set.
        await go_on(stage, pilot, 150 * MS, "p")
        assert stage.lab.calls[-1] == ("start", "one-keyword", "async-blocking", {"delay": 0.2})
        assert stage.app.choice.selection.users == 5
        # A detour: the talk waits where it was left.
        await go_on(stage, pilot, 150 * MS, "2")
        assert shown(stage, "step") == ""
        await go_on(stage, pilot, 60 * S)
        assert stage.notes[-1].status == "n comes back to the talk"
        await go_on(stage, pilot, 150 * MS, "n")
        assert "3/4 One keyword" in shown(stage, "step")
        assert stage.lab.calls[-1] == ("start", "one-keyword", "async-blocking", {"delay": 0.2})


async def test_the_speaker_has_notes_and_the_time(theatre: Callable[..., Theatre]) -> None:
    stage = theatre(scene=0)
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await go_on(stage, pilot, 300 * MS, "n")
        notes = stage.notes[-1]
        assert (notes.talk, notes.scene, notes.place, notes.count) == ("Two scenes", "One keyword", 2, 4)
        assert (notes.text, notes.next) == ("And now?", "Everybody waits for one.")
        assert notes.notes == "Speak slowly.\n\nPoint at the staircase."
        assert notes.began_ns == START_NS
        await go_on(stage, pilot, 300 * MS, "n")
        assert (stage.notes[-1].text, stage.notes[-1].next) == ("Everybody waits for one.", "Fewer users.")
        # Nothing new, nothing told.
        told = len(stage.notes)
        await go_on(stage, pilot, 300 * MS)
        await go_on(stage, pilot, 300 * MS)
        assert len(stage.notes) <= told + 1


async def test_a_talk_may_begin_later_and_play_by_itself(theatre: Callable[..., Theatre]) -> None:
    stage = theatre(scene=1)
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        assert stage.lab.calls[0] == ("start", "cpu-bound", "async", {"below": 25000.0})
        assert "4/4 Only computing" in shown(stage, "step")
    stage = theatre(auto=True)
    async with stage.app.run_test(size=SIZE) as pilot:
        for second in range(100):
            stage.frame(START_NS + second * S)
        await stage.play(pilot, START_NS + 100 * S)
        assert "the end" in shown(stage, "step")
        assert [call[2] for call in stage.lab.calls if call[0] == "start"] == [
            "async-await",
            "async-blocking",
            "async",
        ]


TOUR_RUNS = [
    ("one-keyword", "def-blocking", {"delay": 0.3}),
    ("one-keyword", "async-blocking", {"delay": 0.3}),
    ("one-keyword", "async-await", {"delay": 0.3}),
    ("one-keyword", "async-offload", {"delay": 0.3}),
    ("cpu-bound", "async", {"below": 80000.0}),
    ("thread-starvation", "shared-threads", {"delay": 1.0}),
    ("lying-load-test", "at-a-rate", {"period": 5.0, "freeze": 1.0, "delay": 0.02}),
]


async def test_the_tour_is_told_from_end_to_end_by_keys_alone() -> None:
    stage = Theatre(load_talk(TOUR))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.play(pilot, START_NS)
        for number in range(1, 8):
            assert shown(stage, "step").startswith(("◆", "●"))
            assert f"{number}/7" in shown(stage, "step")
            presenter = stage.app.presenting.presenter
            step = presenter.step
            assert step is not None
            # Both texts are whole on the smallest terminal.
            assert step.say in shown(stage, "step")
            await go_on(stage, pilot, 150 * MS, "n")
            assert step.answer in shown(stage, "step")
            await go_on(stage, pilot, 150 * MS, "enter")
        assert [call[1:] for call in stage.lab.calls if call[0] == "start"] == TOUR_RUNS
        assert "the end" in shown(stage, "step")


async def test_the_tour_plays_by_itself_in_about_three_minutes() -> None:
    stage = Theatre(load_talk(TOUR), auto=True)
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        # Every state is reached at once: what is left is the time to read.
        stage.app.presenting._is_fresh = lambda view: True  # type: ignore[method-assign]
        seconds = 0
        while not stage.app.presenting.presenter.at_end and seconds < 400:
            stage.app.presenting.presenter.reached = True
            seconds += 1
            stage.frame(START_NS + seconds * S)
        assert 140 <= seconds <= 200
        assert [call[1:] for call in stage.lab.calls if call[0] == "start"] == TOUR_RUNS


async def test_z_gives_each_panel_the_screen_and_esc_gives_it_back() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.play(pilot, START_NS + 5 * S)
        for name, text in (
            ("users", "Users"),
            ("loops", "Event loop"),
            ("threads", "Threads"),
            ("code-narrow", "time.sleep"),
            ("figures", "in flight"),
            ("why", "One loop runs one thing at a time"),
        ):
            await go_on(stage, pilot, 150 * MS, "z")
            assert text in shown(stage, name)
            widget = stage.app.main.query_one(f"#{name}")
            assert widget.size.height >= 14
            assert widget.size.width == 80
        await go_on(stage, pilot, 150 * MS, "Z")
        # 100 in flight, five rows high.
        assert "██████ ██████" in shown(stage, "figures")
        await go_on(stage, pilot, 150 * MS, "escape")
        assert shown(stage, "figures") == ""
        assert "Event loop" in shown(stage, "loops")


async def test_pressed_keys_are_shown_until_they_fade() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        await go_on(stage, pilot, 100 * MS, "plus")
        assert shown(stage, "pressed") == ""
        await go_on(stage, pilot, 100 * MS, "K", "tab", "right_square_bracket", "x")
        assert shown(stage, "pressed") == "tab ] x"
        await go_on(stage, pilot, FADING_NS)
        assert [fades for _, fades in stage.app.choice.pressed] == [True] * 3
        await go_on(stage, pilot, SHOWN_NS - FADING_NS)
        assert shown(stage, "pressed") == ""
        await go_on(stage, pilot, 100 * MS, "K", "x")
        assert shown(stage, "pressed") == ""
