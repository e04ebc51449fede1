"""Rows that go to the terminal past Textual show what Textual would show, whatever is in front of them."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from emulator import Emulator, Look
from looplab.model import Model
from looplab.view.garbage import ENOUGH, SEARCHES, Garbage
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.terminal.codes import Codes
from looplab.view.terminal.grid import Grid
from looplab.view.terminal.painting import Painting
from looplab.view.watch import Watch
from looplab.view.widget import PanelWidget

WIDTH, HEIGHT = 24, 6
INK = Style(color="#102030", bgcolor="#405060")
PALE = Style(color="#a0b0c0", bgcolor="#405060")


class Counter(Panel):
    """Rows that say which frame this is."""

    never_frozen = True

    def __init__(self) -> None:
        super().__init__()
        self.frame = 0

    def show(self, view: View) -> None:
        self.frame += 1
        for y in range(self.height):
            if y % 2 == self.frame % 2:
                text = f"{y}:{self.frame}".ljust(self.width)[: self.width]
                self.put(y, Strip([Segment(text[:2], INK), Segment(text[2:], PALE)], self.width))


class Stage(Painting):
    """Two panels side by side, and something that can be put in front of the second."""

    CSS: ClassVar[str] = """
    Screen { layers: default top; }
    #front { layer: top; position: absolute; offset: 14 1; width: 6; height: 2; display: none; }
    #right { width: 10; }
    #right.padded { padding: 0 1; }
    """

    left: list[bool]

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield PanelWidget(Counter(), id="left")
            yield PanelWidget(Counter(), id="right")
        yield Static("FRONT!", id="front")

    def frame(self) -> list[bool]:
        """Give both a frame; tell whether each needed Textual."""
        self.left = []
        made = Watch().view(Model(), 1, WIDTH)
        for widget in self.query(PanelWidget):
            widget.take(made)
        return self.left

    def paint_rows(self, widget: Widget, rows: Mapping[int, Strip]) -> bool:
        taken = super().paint_rows(widget, rows)
        self.left.append(not taken)
        return taken


class Page(ModalScreen[None]):
    """A page in front of all."""

    def compose(self) -> ComposeResult:
        yield Static("a page")


def shown(grid: Grid) -> tuple[list[list[str]], list[list[Look]]]:
    """Give what a terminal shows that was told all."""
    terminal = Emulator(WIDTH, HEIGHT)
    grid.forget()
    terminal.feed(grid.write(1_000_000))
    return terminal.cells, terminal.looks


def by_textual(app: Stage) -> tuple[list[list[str]], list[list[Look]]]:
    """Give what Textual alone would show."""
    update: Any = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    grid = Grid(WIDTH, HEIGHT, Codes(app.console.color_system))
    grid.lay(update.__rich_console__(app.console, app.console.options))
    return shown(grid)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(Painting, "is_headless", property(lambda self: False))
    monkeypatch.setattr("textual.app.App._display", lambda self, screen, update: None)
    return Stage(ansi_color=True)


async def test_rows_go_to_the_terminal_and_textual_knows_them(stage: Stage) -> None:
    async with stage.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        for _ in range(3):
            assert stage.frame() == [False, False]
            assert stage._grid is not None
            assert shown(stage._grid) == by_textual(stage)


async def test_what_stands_in_front_is_never_painted_over(stage: Stage) -> None:
    async with stage.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        front = stage.query_one("#front")
        for display, needed in ((True, [False, True]), (False, [False, False])):
            front.display = display
            stage.frame()
            await pilot.pause()
            assert stage.frame() == needed
            await pilot.pause()
            assert stage._grid is not None
            assert shown(stage._grid) == by_textual(stage)
        with stage.batch_update():
            assert stage.frame() == [True, True], "nothing is painted before all of a change is there"


async def test_a_page_in_front_and_what_lies_behind_it(stage: Stage) -> None:
    async with stage.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        await stage.push_screen(Page())
        await pilot.pause()
        stage.left = []
        for widget in stage.screen_stack[0].query(PanelWidget):
            widget.take(Watch().view(Model(), 1, WIDTH))
        assert stage.left == [True, True]
        await pilot.pause()
        assert stage._grid is not None
        assert shown(stage._grid) == by_textual(stage)
        await stage.pop_screen()
        await pilot.pause()
        assert stage.frame() == [False, False]
        assert shown(stage._grid) == by_textual(stage)


async def test_a_panel_that_moves_or_has_a_margin_inside_is_left_to_textual(stage: Stage) -> None:
    async with stage.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        right = stage.query_one("#right")
        right.styles.width = 6
        assert stage.screen._layout_required or right._layout_required
        stage.frame()
        await pilot.pause()
        right.add_class("padded")
        await pilot.pause()
        assert stage.frame() == [False, True]
        await pilot.pause()
        assert stage._grid is not None
        assert shown(stage._grid) == by_textual(stage)


def test_rows_laid_over_one_another_leave_no_old_beginnings() -> None:
    grid, plain = Grid(WIDTH, 1, Codes("truecolor")), Grid(WIDTH, 1, Codes("truecolor"))
    left, right = [Segment("ab", INK), Segment("cd", PALE)], [Segment("xy", INK)]
    grid.lay_row(0, 0, left)
    grid.lay_row(2, 0, right)
    grid.lay_row(0, 0, left)
    plain.lay_row(0, 0, left)
    assert shown(grid) == shown(plain)


class _Ring:
    """Garbage that only a search finds."""

    gone = 0

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        _Ring.gone += 1


def test_garbage_is_searched_for_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    counts = [0, 0, 0]
    monkeypatch.setattr(gc, "get_count", lambda: tuple(counts))
    monkeypatch.setattr(gc, "collect", searched.append)
    garbage = Garbage()
    garbage.search()
    garbage.search_all()
    assert searched == [], "it is not its own yet"
    garbage.begin()
    try:
        assert not gc.isenabled()
        for made, searches in ((ENOUGH - 1, 0), (ENOUGH, 0), (ENOUGH, SEARCHES)):
            counts[:2] = made, searches
            garbage.search()
        garbage.search_all()
        assert searched == [0, 1, 2]
    finally:
        garbage.end()
    assert gc.isenabled()
    garbage.search_all()
    assert searched == [0, 1, 2]


def test_a_search_everywhere_finds_what_became_old() -> None:
    garbage = Garbage()
    ring = _Ring()
    garbage.begin()
    try:
        gc.collect(1)
        gc.collect(1)
        before = _Ring.gone
        del ring
        garbage.search_all()
        assert _Ring.gone == before + 1
    finally:
        garbage.end()
