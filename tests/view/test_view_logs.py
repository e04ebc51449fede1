from __future__ import annotations

import pytest
from stage import Stage, played
from streams import START_NS
from textual.widgets import Static

from looplab.model import Model
from looplab.view.keys import LOG_KEYS
from looplab.view.logbook import MOST_LINES, Entry, Filter, LogKeeper
from looplab.view.loglist import LogList
from looplab.view.screens.logs import LogScreen
from looplab.view.screens.main import MainScreen
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Notice

SIZE = (100, 20)


def said(*lines: tuple[str, str, str], at_ns: int = START_NS) -> Batch:
    """Make lines of `(source, level, text)`."""
    return Batch(0, at_ns, [Notice(at_ns, *line) for line in lines])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (Filter(), "abcd"),
        (Filter(level="warning"), "bd"),
        (Filter(level="error"), "d"),
        (Filter(source="server"), "ab"),
        (Filter(text="lost"), "bd"),
        (Filter(text="LOST", source="traffic"), "d"),
        (Filter(text="nothing"), ""),
    ],
)
def test_each_part_of_a_filter_narrows(wanted: Filter, shown: str) -> None:
    entries = {
        "a": Entry(0, "info", "server", "started"),
        "b": Entry(0, "warning", "server", "Lost one"),
        "c": Entry(0, "info", "traffic", "began"),
        "d": Entry(0, "error", "traffic", "lost all"),
    }
    assert "".join(name for name, entry in entries.items() if wanted.lets(entry)) == shown
    assert wanted.lets(Entry(0, "run", "", "one-keyword"))


def test_a_filter_goes_round_and_says_what_it_wants() -> None:
    wanted = Filter(text="x").next_level().next_source(["lab", "server"]).next_source(["lab", "server"])
    assert wanted.words == 'warnings and errors of server with "x"'
    assert wanted.next_level().next_level().next_source(["lab", "server"]) == Filter(text="x")
    assert wanted.next_source(["lab"]).source == "lab", "its source has been forgotten"


def test_counts_are_those_of_the_lines_that_are_kept() -> None:
    keeper, model = LogKeeper(), Model()
    for number in range(MOST_LINES + 10):
        model.apply(said(("server" if number < 10 else "lab", "warning" if number < 5 else "info", "x")))
        keeper.follow(model)
    assert (keeper.count, len(keeper.entries)) == (MOST_LINES + 10, MOST_LINES)
    assert (keeper.levels["warning"], keeper.sources["server"], keeper.known) == (0, 0, ["lab"])
    assert len(list(keeper.since(0))) == MOST_LINES
    assert len(list(keeper.since(keeper.count - 3))) == 3


def shown(stage: Stage) -> list[str]:
    """Give the lines on the screen, without the times."""
    lines = stage.app.screen.query_one(LogList)
    rows = [lines.render_line(y).text.rstrip() for y in range(lines.size.height)]
    return [row[12:] if row[:2] != " ─" else row.strip(" ─") for row in rows if row]


def title(stage: Stage) -> str:
    return str(stage.app.screen.query_one("#log-title", Static).render())


async def test_the_log_is_filtered_held_and_copied() -> None:
    lines = [("server", "info", f"line {n}\x1b[31m red") for n in range(2)]
    batch = said(*lines, ("server", "warning", "slow"), ("lab", "error", "went wrong"))
    stage = Stage([*played("async-blocking")[:4], batch])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("l")
        await stage.play(pilot, START_NS + S)
        assert isinstance(stage.app.screen, LogScreen)
        every = [
            "one-keyword › async def + time.sleep",
            "  server   line 0 red",
            "  server   line 1 red",
            "▲ server   slow",
            "■ lab      went wrong",
        ]
        assert shown(stage) == every
        assert title(stage) == "looplab  log   4 lines   ▲ 1  ■ 1"

        await pilot.press("slash", "L", "I", "n", "e", "enter", "y")
        await stage.play(pilot, START_NS + S)
        assert shown(stage) == every[:3]
        assert title(stage) == 'looplab  log   2 of 4 lines, with "LIne"   ▲ 1  ■ 1   3 lines copied'
        assert stage.app.clipboard.splitlines()[1].split() == ["0.499", "server", "line", "0", "red"]
        await pilot.press("escape", "v")
        await stage.play(pilot, START_NS + S)
        assert shown(stage) == [every[0], *every[3:]]
        await pilot.press("o")
        await stage.play(pilot, START_NS + S)
        assert shown(stage) == [every[0], every[4]]
        assert "1 of 4 lines, warnings and errors of lab" in title(stage)

        await pilot.press("escape", "space")
        stage.lab.inbox.append(said(("lab", "info", "later")))
        await stage.play(pilot, START_NS + S)
        assert shown(stage) == every, "all lines are wanted again, and held"
        assert title(stage).endswith("❄ held, 1 new")
        await pilot.press("space")
        await stage.play(pilot, START_NS + S)
        assert shown(stage) == [*every, "  lab      later"]

        many = [("server", "info", f"line {n}") for n in range(100)]
        stage.lab.inbox.append(said(*many))
        await stage.play(pilot, START_NS + S + 100 * MS)
        assert shown(stage)[-1].endswith("line 99")
        await pilot.press("pageup")
        stage.lab.inbox.append(said(("lab", "info", "last")))
        await stage.play(pilot, START_NS + S + 200 * MS)
        assert not any("last" in row for row in shown(stage))
        assert title(stage).endswith("scrolled back, 1 new: f follows")
        await pilot.click("#log-keys", offset=(stage_key(stage, "follow"), 0))
        await stage.play(pilot, START_NS + S + 300 * MS)
        assert shown(stage)[-1] == "  lab      last"
        await pilot.press("escape")
        assert isinstance(stage.app.screen, MainScreen)


def stage_key(stage: Stage, word: str) -> int:
    """Find the place of a word in the last row."""
    return stage.app.screen.query_one("#log-keys").render_line(0).text.index(word)


def test_each_key_of_the_log_has_an_action() -> None:
    own = [key for key in LOG_KEYS if "." not in key.action]
    assert all(hasattr(LogScreen, f"action_{key.action}") for key in own)
    assert len({part for key in LOG_KEYS for part in key.keys.split(",")}) == len(LOG_KEYS) + 1
