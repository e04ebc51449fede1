"""What is written to the terminal makes it show what it shall, in few bytes and at its own pace."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.control import Control
from rich.segment import Segment
from rich.style import Style

from emulator import Emulator, Look
from looplab.view.terminal.codes import Codes
from looplab.view.terminal.grid import SMALL, Grid
from looplab.view.terminal.pace import ASK_AFTER, BEHIND_S, LEAST, PATIENCE_S, RATE, Pace
from looplab.view.terminal.painting import Painting

WIDTH, HEIGHT = 12, 4
WIDE = "日本"
STYLES = [
    None,
    Style(color="#102030", bgcolor="#405060"),
    Style(color="#102030", bgcolor="#a0b0c0"),
    Style(color="#ffffff", bgcolor="#405060", bold=True),
    Style(color="red", reverse=True),
    Style(underline=True, dim=True),
]
SEEN_ON_BLANKS = {"4", "7", "9", "53"}


def at(x: int, y: int, *pieces: tuple[str, int]) -> list[Segment]:
    return [Control.move_to(x, y).segment, *(Segment(text, STYLES[style]) for text, style in pieces)]


def seen(cells: list[list[str]], looks: list[list[Look]]) -> list[list[tuple[str, object]]]:
    """Give what people see: of a blank only its ground and what is drawn through it."""
    return [
        [
            (character, look[2] if character == " " and not look[0] & SEEN_ON_BLANKS else look)
            for character, look in zip(row, row_looks, strict=True)
        ]
        for row, row_looks in zip(cells, looks, strict=True)
    ]


def whole(*updates: list[Segment]) -> Emulator:
    """Show updates as Textual would write them."""
    shown = Emulator(WIDTH, HEIGHT, WIDE)
    codes = Codes("truecolor")
    for update in updates:
        for text, style, control in update:
            sequence = codes.turn(0, codes.of(style)[0])[0] if style else ""
            shown.feed(text if control else f"{sequence}{text}\x1b[0m")
    return shown


pieces = st.tuples(st.text("ab ▀日本", min_size=1, max_size=4), st.integers(0, len(STYLES) - 1))


@st.composite
def updates(draw: st.DrawFn) -> list[Segment]:
    """Draw whole rows: a part of a row may not cut a wide character."""
    made: list[Segment] = []
    for y in draw(st.sets(st.integers(0, HEIGHT - 1), min_size=1)):
        room, row = WIDTH, []
        for text, style in draw(st.lists(pieces, max_size=5)):
            length = sum(2 if character in WIDE else 1 for character in text)
            if length <= room:
                row.append((text, style))
                room -= length
        made += at(0, y, *row, (" " * room, 0))
    return made


@given(st.lists(st.tuples(updates(), st.integers(0, 80)), max_size=8))
def test_a_terminal_shows_in_the_end_what_it_shall(told: list[tuple[list[Segment], int]]) -> None:
    codes = Codes("truecolor")
    grid, terminal = Grid(WIDTH, HEIGHT, codes), Emulator(WIDTH, HEIGHT, WIDE)
    for update, most in told:
        grid.lay(update)
        terminal.feed(grid.write(most))
    while grid.waits:
        terminal.feed(grid.write(1))
    expected = whole(*(update for update, _ in told))
    assert seen(terminal.cells, terminal.looks) == seen(expected.cells, expected.looks)


def test_only_what_changed_is_written() -> None:
    grid = Grid(WIDTH, HEIGHT, Codes("truecolor"))
    grid.lay(at(0, 1, ("abab", 1), ("    ", 2)))
    grid.write(10_000)
    grid.lay(at(0, 1, ("abab", 1), ("    ", 2)))
    assert grid.write(10_000) == ""
    assert not grid.waits
    grid.lay(at(0, 1, ("abab", 1), ("  ", 2), ("b", 2), (" ", 2)))
    assert grid.write(10_000) == "\x1b[2;7H\x1b[38;2;16;32;48;48;2;160;176;192mb\x1b[0m"


def test_colours_of_blanks_and_what_two_styles_share_are_not_repeated() -> None:
    codes = Codes("truecolor")
    grid = Grid(WIDTH, 1, codes)
    grid.write(10_000)
    grid.lay(at(0, 0, ("a", 1), ("  ", 3), ("b", 2)))
    assert grid.write(10_000) == (
        "\x1b[1;1H\x1b[38;2;16;32;48;48;2;64;80;96ma  \x1b[48;2;160;176;192mb\x1b[0m"
    )


def test_a_small_change_does_not_wait_for_large_ones_which_take_turns() -> None:
    width = 400
    grid = Grid(width, HEIGHT, Codes("truecolor"))
    grid.write(1_000_000)
    large = "ab" * (width // 2)
    for y in (0, 1, 2):
        grid.lay(at(0, y, (large, 1)))
    grid.lay(at(0, 3, ("key", 1)))
    written = grid.write(SMALL)
    assert "key" in written
    assert written.count(large) == 1
    assert len(large) > SMALL
    assert grid.waits
    grid.lay(at(0, 0, (large[::-1], 1)))
    assert "\x1b[2;1H" in grid.write(1), "the one that was written first waits for the others"
    assert "\x1b[3;1H" in grid.write(1)
    assert "\x1b[1;1H" in grid.write(1)
    assert not grid.waits


def test_a_terminal_of_which_nothing_is_known_is_painted_whole() -> None:
    grid, terminal = Grid(WIDTH, HEIGHT, Codes("truecolor")), Emulator(WIDTH, HEIGHT)
    grid.lay(at(0, 0, ("abab", 1)))
    grid.write(10_000)
    grid.forget()
    terminal.feed(grid.write(10_000))
    assert terminal.cells[0][:5] == ["a", "b", "a", "b", " "]
    assert terminal.looks[3][WIDTH - 1] == (frozenset(), "39", "49")


@pytest.mark.parametrize(
    ("system", "sequence"), [("truecolor", "38;2;255;0;0"), ("256", "38;5;196"), ("standard", "31")]
)
def test_colours_are_those_that_the_terminal_has(system: str, sequence: str) -> None:
    codes = Codes(system)
    assert codes.turn(0, codes.of(Style(color="#ff0000"))[0])[0] == f"\x1b[{sequence}m"


def test_a_terminal_that_does_not_answer_gets_little_at_once() -> None:
    pace = Pace()
    assert pace.room(100.0) == LEAST
    assert pace.wrote(LEAST, 100.0), "it is asked"
    assert pace.room(100.0) == 0
    assert pace.room(100.01) == int(RATE / 100)
    assert not pace.wrote(ASK_AFTER, 100.01), "one question at a time"
    assert pace.room(100.0 + PATIENCE_S + 1) == LEAST
    assert not pace.wrote(LEAST, 104.0), "who does not answer is not asked again"


def test_a_terminal_that_answers_gets_what_it_takes_in_time() -> None:
    pace = Pace()
    pace.room(100.0)
    assert pace.wrote(3_000, 100.0)
    pace.answered(100.002)
    fast = 3_000 / 0.002
    assert pace.room(200.0) == pytest.approx(fast * BEHIND_S, abs=1)
    assert pace.wrote(30_000, 200.0)
    assert pace.room(200.1) <= LEAST, "while it is asked, nobody knows"
    pace.answered(200.3)
    assert pace.room(300.0) == LEAST, "it has become slow"
    assert not pace.wrote(100, 300.0), "a small frame tells nothing"


def test_a_late_answer_is_one() -> None:
    pace = Pace()
    pace.room(100.0)
    pace.wrote(3_000, 100.0)
    pace.room(110.0)
    pace.answered(111.0)
    assert pace.wrote(3_000, 112.0)


@pytest.mark.parametrize(("queued", "writes"), [(1, 0), (0, 1)])
async def test_nothing_is_written_while_the_terminal_takes_nothing(
    queued: int, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Painting()
    async with app.run_test(size=(WIDTH, HEIGHT)):
        written: list[Any] = []
        monkeypatch.setattr("textual.app.App._display", lambda self, screen, update: written.append(update))
        queue = SimpleNamespace(qsize=lambda: queued)
        monkeypatch.setattr(
            app, "_driver", SimpleNamespace(_writer_thread=SimpleNamespace(_queue=queue), is_headless=False)
        )
        app._display(app.screen, app.screen._compositor.render_update(full=True))
        app.paint_rest()
        assert len(written) == 2 * writes
        monkeypatch.undo()
