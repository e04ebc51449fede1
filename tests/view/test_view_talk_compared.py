"""A talk while variants are compared: its steps go on there, and another scenario ends the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ensembles import CompareStage
from stage import selection
from streams import START_NS
from talks import talk

from looplab.lab import Selection
from looplab.lab.notes import Notes
from looplab.scenario import Talk, find
from looplab.view.app import LoopLabApp
from looplab.view.screens.compare import CompareScreen
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.main import MainScreen
from looplab.wire.clock import MS, S

TALK = """
title = "Together"

[[scenes]]
scenario = "one-keyword"

[[scenes.steps]]
say = "Who waits?"

[[scenes.steps]]
say = "And this one?"
variant = "async-blocking"
until = "loop.lag_ms > 500"
answer = "Everybody waits for one."
zoom = "figures"

[[scenes.steps]]
say = "Half the users."
users = 50

[[scenes.steps]]
say = "Longer waits."
variant = "async-await"
knobs = {delay = 0.2}

[[scenes.steps]]
say = "Nobody asks."
traffic = "stop"

[[scenes]]
scenario = "cpu-bound"

[[scenes.steps]]
say = "Does it help here?"
"""


class Lectern(CompareStage):
    """A comparison with a talk that was begun before it."""

    def __init__(self, told: Talk | None) -> None:
        super().__init__()
        self.notes: list[Notes] = []
        before = self.app
        self.app = self.stage.app = LoopLabApp(
            self.stage.lab,
            before.catalogue,
            selection(variant="def-blocking"),
            clock=self.clock,
            live=False,
            depth="full",
            ensemble=self._make,
            talk=told,
            publish=self.notes.append,
        )

    def started(self) -> list[list[str]]:
        return [call[1] for call in self.ensemble.calls if call[0] == "start"]  # type: ignore[misc]

    def said(self) -> str:
        return " ".join(" ".join(self.panel("step")).split())


@pytest.fixture
def lectern(tmp_path: Path) -> Lectern:
    return Lectern(talk(tmp_path, TALK))


FOUR = ["def-blocking", "async-blocking", "async-await", "async-offload"]


@pytest.mark.parametrize("size", [(60, 16), (120, 36)])
async def test_the_step_stands_above_the_comparison(lectern: Lectern, size: tuple[int, int]) -> None:
    async with lectern.app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("c")
        await lectern.play(pilot, START_NS + S)
        assert "1/6 One keyword" in lectern.said()
        assert "Who waits?" in lectern.said()
        assert lectern.panel("compare-footer")[0].lstrip().startswith("p n step")
        # The rows of the step are taken from the variants, and from nothing else.
        assert lectern.screen.query_one("#room").size.height == size[1]
        assert lectern.screen.query_one("#compare-footer").region.bottom == size[1]
        for wide, tall in ((59, 15), (200, 50), (61, 16), (119, 29), size):
            await pilot.resize_terminal(wide, tall)
            lectern.frame(lectern.clock.now_ns + 100 * MS)
        await pilot.click("#step")
        await lectern.play(pilot, START_NS + 2 * S)
        assert "And this one?" in lectern.said()


async def test_a_step_picks_its_variant_and_waits_for_its_state(lectern: Lectern) -> None:
    async with lectern.app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("c", "tab", "tab")
        await lectern.play(pilot, START_NS + 100 * MS)
        await pilot.press("n")
        await lectern.play(pilot, START_NS + 300 * MS)
        assert lectern.picture.picked == 1
        assert "waits until loop lag > 500 ms; now" in lectern.said()
        # All of them run already: none begins again for it, and none takes the whole screen.
        assert lectern.started() == [FOUR]
        assert lectern.notes[-1].variant == "async def + time.sleep"
        await lectern.play(pilot, START_NS + 2 * S)
        assert "the answer in" in lectern.said()
        await pilot.press("n")
        await lectern.play(pilot, START_NS + 3 * S)
        assert "Everybody waits for one." in lectern.said()
        await pilot.press("p")
        # Back to the question: all begin anew.
        assert lectern.started() == [FOUR, FOUR]


async def test_a_step_turns_all_of_them(lectern: Lectern) -> None:
    async with lectern.app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("c")
        await lectern.play(pilot, START_NS + 100 * MS)
        await pilot.press("n", "n", "n")
        await lectern.play(pilot, START_NS + S)
        assert "Half the users." in lectern.said()
        assert ("set_users", 50) in lectern.ensemble.calls
        assert {one.users for one in lectern.ensemble.selections} == {50}
        await pilot.press("n")
        await lectern.play(pilot, START_NS + 2 * S)
        assert lectern.started() == [FOUR, FOUR]
        assert lectern.picture.picked == 2
        assert {(one.knobs["delay"], one.users) for one in lectern.ensemble.selections} == {(0.2, 50)}
        await pilot.press("n")
        assert lectern.ensemble.calls[-1] == ("stop_traffic",)


async def test_a_variant_whose_traffic_is_over_runs_again(lectern: Lectern) -> None:
    async with lectern.app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("c")
        await lectern.play(pilot, START_NS + S)
        await pilot.press("s", "n")
        assert lectern.started() == [FOUR, FOUR]
        assert lectern.picture.choice.stopped is False


async def test_another_scenario_ends_the_comparison_whatever_is_in_front(lectern: Lectern) -> None:
    async with lectern.app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("c")
        await lectern.play(pilot, START_NS + S)
        presenting = lectern.app.presenting
        presenting.presenter.go(4, START_NS + S)
        await pilot.press("d")
        assert isinstance(lectern.app.screen, DetailsScreen)
        presenting.next()
        await pilot.pause()
        assert isinstance(lectern.app.screen, MainScreen)
        assert lectern.stage.lab.calls[-1] == ("start", "cpu-bound", "async", {"below": 25000.0})
        assert lectern.app.compared is None


async def test_enter_opens_the_variant_and_the_talk_goes_on_there(lectern: Lectern) -> None:
    async with lectern.app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("c")
        await lectern.play(pilot, START_NS + S)
        await pilot.press("n", "enter")
        lectern.frame(START_NS + 2 * S)
        assert isinstance(lectern.app.screen, MainScreen)
        assert lectern.stage.lab.calls[-1] == ("start", "one-keyword", "async-blocking", {"delay": 0.1})
        assert lectern.app.choice.telling is not None
        assert lectern.app.choice.telling.text == "And this one?"


async def test_a_scenarios_own_steps_begin_inside_the_comparison_and_end_there() -> None:
    lectern = Lectern(None)
    async with lectern.app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("c")
        await lectern.play(pilot, START_NS + S)
        assert not lectern.screen.query_one("#step").display
        await pilot.press("n")
        await lectern.play(pilot, START_NS + S)
        assert "Which one freezes?" in lectern.said()
        # It is about what is on the screen: nothing begins.
        assert lectern.started() == [FOUR]
        texts = sum(2 if step.answer else 1 for step in find("one-keyword").steps)
        await pilot.press(*["n"] * texts)
        await lectern.play(pilot, START_NS + 2 * S)
        assert not lectern.screen.query_one("#step").display
        assert isinstance(lectern.app.screen, CompareScreen)


async def test_pressed_keys_are_shown_in_the_comparison(lectern: Lectern) -> None:
    async with lectern.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("c", "tab")
        await lectern.play(pilot, START_NS + S)
        assert lectern.panel("pressed") == [" c tab"]
        corner = lectern.screen.query_one("#pressed").region
        assert (corner.right, corner.bottom) == (80, 23)


async def test_a_variant_that_is_not_here_takes_the_picked_place() -> None:
    chosen: Selection = selection("http-client", "requests-in-def")
    ids = [variant.id for variant in chosen.scenario.variants]
    assert len(ids) > 4
    stage = CompareStage(chosen)
    async with stage.app.run_test(size=(120, 36)) as pilot:
        await stage.play(pilot, START_NS)
        comparing = stage.screen.comparing
        here: Sequence[str] = [one.variant.id for one in comparing.ensemble.selections]
        hidden = next(id for id in ids if id not in here)
        assert not comparing.show(hidden)
        picked = comparing.picked
        comparing.begin(selection("http-client", hidden))
        assert comparing.chosen.variant.id == hidden
        assert comparing.picked == picked
