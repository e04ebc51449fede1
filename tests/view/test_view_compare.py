"""The comparison: what is said of the variants, where it stands, and what its keys do."""

from __future__ import annotations

import threading

import pytest
from ensembles import CompareStage
from msgspec.structs import replace
from stage import FRAME_NS, Stage, failure, played, selection, view_at
from streams import START_NS
from textual.widgets import Static

from looplab.scenario import find
from looplab.traffic.plan import Locust, Plan
from looplab.view.compare import layout
from looplab.view.compare.axis import CommonAxis
from looplab.view.compare.comparing import shown_variants
from looplab.view.compare.picture import same_traffic
from looplab.view.compare.ratio import Entry, ratio
from looplab.view.keys import COMPARE_FOOTER, COMPARE_KEYS
from looplab.view.screens.compare import CompareScreen
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.logs import LogScreen
from looplab.view.screens.main import MainScreen
from looplab.view.turning import SETTLE_NS
from looplab.wire.clock import MS, S

SIZE = (120, 36)


# The ratio


@pytest.mark.parametrize(
    ("rates", "figure", "text", "base"),
    [
        ((205.0, 5.0), "×41", "a serves 41 times as much as b", 1),
        ((5.0, 12.4), "×2.5", "b serves 2.5 times as much as a", 0),
        ((5.0, 49.8), "×10", "b serves 10 times as much as a", 0),
        ((1.0, 41_000.0), "×41,000", "b serves 41,000 times as much as a", 0),
        ((300.0, 302.0, 301.0), "×1.0", "All serve about the same", 0),
        ((444.0, None), "–", "b has answered nobody yet", -1),
        ((444.0, None, None), "–", "b and c have answered nobody yet", -1),
        ((None, None), "–", "Which one serves most?", -1),
    ],
)
def test_the_fastest_against_the_slowest(
    rates: tuple[float | None, ...], figure: str, text: str, base: int
) -> None:
    found = ratio([Entry(name, rps) for name, rps in zip("abc", rates, strict=False)])
    assert (found.figure, found.text, found.base) == (figure, text, base)


def test_who_does_not_work_is_not_compared() -> None:
    failed = Entry("c", None, counts=False, failed=True)
    assert ratio([Entry("a", 10.0), Entry("b", 5.0), failed]).text == "a serves 2.0 times as much as b"
    assert ratio([Entry("a", 10.0), failed]).text == "a serves 10.0 req/s"
    assert ratio([Entry("a", None, counts=False), failed]).text == "Which one serves most?"
    assert ratio([failed, failed]).text == "All servers have failed"


def test_who_has_served_nobody_to_the_end_has_no_ratio() -> None:
    found = ratio([Entry("a", 10.0, over=True), Entry("b", None, over=True)])
    assert (found.figure, found.text, found.detail) == ("–", "b has answered nobody", "a serves 10.0 req/s")


# Places


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (112, 29), (120, 36), (200, 50), (300, 90)])
def test_every_row_of_the_terminal_is_shared_out_once(size: tuple[int, int], count: int) -> None:
    width, height = size
    places = layout.plan(width, height, count, workers=2)
    rest = height - 2 - places.banner - places.foot
    if places.side_by_side:
        bands = places.users + places.loops + places.threads + places.axis
        assert places.card + bands + places.figures == rest
        assert count * (places.band + 1) <= width
        assert places.users >= 4
    else:
        assert 0 <= rest - count * places.block < count
        assert places.users + places.loops + places.threads == places.block
        assert places.users >= 1
        assert places.band + places.card == width


def test_variants_stand_below_each_other_where_they_do_not_fit_side_by_side() -> None:
    assert not layout.plan(80, 24, 4).side_by_side
    assert layout.plan(120, 36, 4).side_by_side
    assert not layout.plan(100, 36, 4).side_by_side
    assert layout.plan(100, 36, 3).side_by_side


def test_up_to_four_variants_are_shown_and_the_chosen_one_is_among_them() -> None:
    scenario = find("mixed-service")
    ids = [variant.id for variant in scenario.variants]
    assert len(ids) == 6
    for place, id in enumerate(ids):
        shown, picked = shown_variants(selection("mixed-service", id))
        assert len(shown) == 4
        assert shown[picked].id == id
        assert picked == min(place, 3)


def test_traffic_is_the_same_only_if_all_of_it_is() -> None:
    plan = Plan(executor="burst", requests=20, concurrency=2)
    assert same_traffic([plan, replace(plan)])
    assert not same_traffic([plan, replace(plan, seed=plan.seed + 1)])


def test_the_footer_names_keys_that_are_there() -> None:
    actions = {key.action for key in COMPARE_KEYS}
    assert {action for keys, _ in COMPARE_FOOTER for _, action in keys} <= actions


def test_each_variant_counts_from_its_own_start_in_the_same_columns() -> None:
    early = view_at(played("def-blocking"), START_NS + S, 50, "def-blocking")
    late = view_at(played("async-blocking"), START_NS + 3 * S, 50)
    to_come = view_at([], START_NS, 50)
    late.origin_ns += 60 * S
    late.started_ns += 60 * S
    late.now_ns += 60 * S
    laid = CommonAxis().lay([early, late, to_come], 40)
    assert [view.window.columns for view in laid] == [40] * 3
    assert [view.window.asked_ns for view in laid] == [5 * S] * 3
    assert [view.window.start_ns for view in laid] == [START_NS, START_NS + 60 * S, 0]
    assert [view.window.column(view.now_ns) for view in laid[:2]] == [8, 24]
    assert laid[2].model.run is None


# The screen


async def test_four_variants_share_one_axis_and_the_ratio_is_in_large_figures() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS - 160 * MS)
        assert stage.stage.lab.calls == [("stop",)]
        assert stage.ensemble.calls == [
            ("start", ["def-blocking", "async-blocking", "async-await", "async-offload"], False)
        ]
        assert "Which one serves most?" in stage.text()
        assert stage.panel("card-0")[0].endswith("◌ ready")
        assert stage.panel("card-0")[2] == " ◆ waits for the others"
        await stage.play(pilot, START_NS + 3 * S)
        text = stage.text()
        assert "async-await serves 95 times as much as async-blocking" in text
        assert "444 req/s against 4.7" in text
        assert "██████  ██████" in stage.panel("banner")[0]
        assert stage.panel("card-1")[2] == " ■ loop blocked 3.00 s"
        assert "● live" in stage.panel("card-1")[0]
        assert "✓ done 451 ms" in stage.panel("card-2")[0]
        assert "200 requests each, 100 at once · delay 0.1 s" in stage.panel("compare-header")[0]
        # The same seconds in every column: what is over stands where it was.
        axes = [stage.panel(f"axis-{place}")[0].replace("▲", " ").rstrip() for place in range(4)]
        assert len(set(axes)) == 1


async def test_the_variant_that_is_picked_is_opened_and_nothing_of_the_others_is_left() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        await pilot.press("tab", "tab")
        await stage.play(pilot, START_NS + S)
        assert stage.panel("card-2")[0].startswith("▸ async-await")
        assert stage.panel("card-0")[0].startswith("  def-blocking")
        await pilot.press("shift+tab")
        await pilot.click("#card-3")
        await pilot.press("enter")
        assert isinstance(stage.app.screen, MainScreen)
        assert stage.stage.lab.calls == [("stop",), ("start", "one-keyword", "async-offload", {"delay": 0.1})]
        for thread in threading.enumerate():
            if thread.name == "looplab comparison ends":
                thread.join(10)
        assert stage.ensemble.closed

        # And back again: `c` begins another comparison with the variant that runs, escape ends it.
        await pilot.press("c")
        await stage.play(pilot, START_NS + S)
        assert len(stage.ensembles) == 2
        assert stage.panel("card-3")[0].startswith("▸ async-offload")
        await pilot.press("escape")
        assert stage.stage.lab.calls[-2:] == [
            ("stop",),
            ("start", "one-keyword", "async-offload", {"delay": 0.1}),
        ]


async def test_what_is_turned_is_turned_of_all() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        calls = stage.ensemble.calls
        calls.clear()
        await pilot.press("b")
        assert calls == [("burst", 200, 100)]
        await pilot.press("s")
        assert calls[1:] == [("stop_traffic",)]
        await stage.play(pilot, START_NS + S)
        assert "s start" in stage.panel("compare-footer")[0]
        await pilot.press("s")
        assert calls[2:] == [("start_traffic",)]
        calls.clear()
        await pilot.press("minus")
        await stage.play(pilot, stage.clock.now_ns + SETTLE_NS)
        assert calls == [("set_users", 90), ("burst", 200, 90)]
        assert "90 at once" in stage.panel("compare-header")[0]
        calls.clear()
        await pilot.press("greater_than_sign")
        await stage.play(pilot, stage.clock.now_ns + SETTLE_NS)
        assert calls == [("start", ["def-blocking", "async-blocking", "async-await", "async-offload"], False)]
        assert [one.knobs["delay"] for one in stage.ensemble.selections] == [pytest.approx(0.15)] * 4
        assert {one.plan.concurrency for one in stage.ensemble.selections} == {90}
        await pilot.press("v")
        await stage.play(pilot, stage.clock.now_ns)
        assert "all variants of the scenario are here" in stage.panel("compare-footer")[0]


async def test_another_variant_takes_the_place_of_the_one_that_is_picked() -> None:
    stage = CompareStage(selection("mixed-service", find("mixed-service").variants[1].id))
    ids = [variant.id for variant in find("mixed-service").variants]
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("v")
        assert [one.variant.id for one in stage.ensemble.selections] == [ids[0], ids[4], ids[2], ids[3]]
        await pilot.press("v")
        assert [one.variant.id for one in stage.ensemble.selections] == [ids[0], ids[5], ids[2], ids[3]]
        await pilot.press("v")
        assert [one.variant.id for one in stage.ensemble.selections] == [ids[0], ids[1], ids[2], ids[3]]
        assert "other variant" in stage.panel("compare-footer")[0]


async def test_a_held_picture_stands_and_is_scrubbed_in_all_columns_alike() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        for step in range(20):
            stage.frame(START_NS + step * 100 * MS)
        await pilot.press("space")
        await stage.play(pilot, START_NS + 3 * S)
        held = stage.panel("users-1")
        assert "❄ frozen 00:01.9" in stage.panel("compare-header")[0]
        await pilot.press(*["left"] * 5)
        await stage.play(pilot, START_NS + 3 * S)
        assert stage.panel("users-1") != held
        elapsed = [view.elapsed_ns for view in stage.picture.views]
        assert elapsed[1] < 2 * S
        # A variant that was over by then stands at its own end.
        assert elapsed[2] == min(elapsed[1], elapsed[2])
        await pilot.press("space")
        await stage.play(pilot, START_NS + 3 * S)
        assert "● live" in stage.panel("compare-header")[0]
        await pilot.press("left")
        await stage.play(pilot, START_NS + 3 * S)
        assert "space freezes the picture" in stage.panel("compare-footer")[0]


async def test_one_after_the_other_each_has_its_own_origin() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("o")
        assert stage.ensemble.calls[-1][-1] is True
        await stage.play(pilot, START_NS + 2 * S)
        assert "1 of 4 done" in stage.panel("compare-header")[0]
        assert "waits for its turn" in stage.panel("card-1")[2]
        assert "each has the machine for itself" in stage.text()
        assert not any(line.strip() for line in stage.panel("users-1")[1:])
        stage.ensemble.turn = 1
        stage.ensemble.unseen = {2, 3}
        await stage.play(pilot, START_NS + 3 * S)
        assert "2 of 4 live 00:03" in stage.panel("compare-header")[0]
        assert "recorded" in stage.panel("card-0")[0]
        assert "def-blocking serves 42 times as much as async-blocking" in stage.text()
        await pilot.press("o")
        assert stage.ensemble.calls[-1][-1] is False


async def test_a_server_that_fails_shows_it_in_its_own_place_and_the_others_go_on() -> None:
    stage = CompareStage(streams={"async-blocking": failure()})
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 3 * S)
        assert "■ failed" in stage.panel("card-1")[0]
        assert "SERVER FAILED" in stage.panel("card-1")[2]
        broken = "\n".join(stage.panel("failure-1"))
        assert "ModuleNotFoundError" in broken
        assert "tab" not in broken
        assert "async-await serves 2.3 times as much as def-blocking" in stage.text()
        await pilot.resize_terminal(80, 24)
        await stage.play(pilot, START_NS + 3 * S)
        assert "SERVER FAILED" in stage.panel("card-1")[1]


async def test_the_machine_that_is_too_small_is_named_and_the_key_comes_first() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        assert "● fair: begun within 0.4 ms" in stage.text()
        stage.app.frame(START_NS + 2 * S, late_ns=150 * MS)
        await stage.play(pilot, START_NS + 3 * S)
        assert "▲ not fair: the screen itself comes 150 ms late" in stage.text()
        assert stage.panel("compare-footer")[0].startswith(" o one after the other")


async def test_at_every_size_the_ratio_and_every_variant_can_be_read() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        for size in ((80, 24), (200, 50), (60, 16), (112, 29), (120, 36)):
            await pilot.resize_terminal(*size)
            await stage.play(pilot, START_NS + 3 * S)
            text = stage.text()
            assert "95 times" in text
            for name in ("def-blocking", "async-blocking", "async-await", "async-offload"):
                assert name in text
            assert "loop blocked 3.00 s" in text.lower()
            await pilot.resize_terminal(50, 12)
        await stage.play(pilot, START_NS + 3 * S)
        said = stage.screen.query_one("#too-small", Static)
        assert said.display
        assert "60×16" in str(said.content)


async def test_pages_in_front_are_about_the_variant_that_is_picked() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 3 * S)
        await pilot.press("tab", "d")
        await stage.play(pilot, START_NS + 3 * S)
        assert isinstance(stage.app.screen, DetailsScreen)
        assert "LOOP BLOCKED" in str(stage.app.screen.query_one("#page", Static).content)
        heading = str(stage.app.screen.query_one("#how", Static).content)
        assert heading.startswith("Details of async def + time.sleep")
        await pilot.press("escape", "l")
        await stage.play(pilot, START_NS + 3 * S)
        assert isinstance(stage.app.screen, LogScreen)
        entries = stage.screen.comparing.keepers[1].entries
        assert any("async def + time.sleep" in str(entry) for entry in entries)
        await pilot.press("escape", "question_mark")
        await pilot.press("escape")
        assert isinstance(stage.app.screen, CompareScreen)
        titles = [command.title for command in stage.app.get_system_commands(stage.app.screen)]
        assert "One after the other, or all at once" in titles
        assert "Screenshot" in titles
        assert "Show the log of the variant" in titles


async def test_a_scenario_with_one_variant_and_a_recording_say_why_not() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        stage.frame(START_NS + FRAME_NS)
        assert stage.app.choice.hint == "only live runs can be compared"
        assert stage.app.compared is None


async def test_locust_makes_the_traffic_of_all_that_is_shown_and_of_no_comparison() -> None:
    stage = Stage([], replace(selection(variant="def-blocking"), engine=Locust(), generators=2))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        assert stage.app.choice.hint.startswith("Locust cannot begin several runs together")
        await pilot.press("tab", "right_square_bracket")
        assert stage.app.choice.selection.scenario.id != "one-keyword"
        assert (stage.app.choice.selection.engine, stage.app.choice.selection.generators) == (Locust(), 2)
