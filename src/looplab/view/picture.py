"""Pictures of a recording: the whole screen, or one panel, as SVG, without a terminal.

The same recording gives the same bytes on every machine: no time of day, no random name, no host.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.segment import Segment, Segments
from textual.strip import Strip

from looplab.lab import Lab
from looplab.recording import Index, Recording
from looplab.scenario import Scenario
from looplab.view import layout
from looplab.view.app import LoopLabApp
from looplab.view.observer import Observer
from looplab.view.palette import palette
from looplab.view.panels.axis import AxisPanel
from looplab.view.panels.band import lanes_of
from looplab.view.panels.base import Panel
from looplab.view.panels.big import BigFiguresPanel
from looplab.view.panels.code import CodePanel
from looplab.view.panels.line import LinePanel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.numbers import NumbersPanel
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.panels.verdict import VerdictPanel
from looplab.view.panels.why import WhyPanel
from looplab.view.replay import Player
from looplab.view.state import Choice, View
from looplab.view.svg import tidy
from looplab.wire.clock import S

TIMELINE: Final = "timeline"
"""Users, event loops and threads on one time axis."""
PANELS: Final[Mapping[str, Callable[[], Panel]]] = {
    "axis": AxisPanel,
    "code": CodePanel,
    "figures": BigFiguresPanel,
    "line": LinePanel,
    "loops": LoopsPanel,
    "numbers": NumbersPanel,
    "threads": ThreadsPanel,
    "users": UsersPanel,
    "verdict": VerdictPanel,
    "why": WhyPanel,
}
"""What can be drawn alone, by name."""
NAMES: Final = tuple(sorted([TIMELINE, *PANELS]))

_BANDS: Final = ("users", "loops", "threads", "axis")
_AROUND: Final = 8
"""Rows of a screen that are not its bands."""
_SETTLE: Final = 3
"""Frames until every panel has its place and is drawn there."""


def standing(recording: Recording, index: Index, scenarios: Sequence[Scenario], at_ns: int) -> Player:
    """Give a player that stands at a moment, counted from the beginning of the recording."""
    player = Player(recording, index, scenarios, clock=lambda: S)
    player.pause()
    player.jump(index.began_ns + at_ns)
    while player.seeking is not None:
        player.drain(S)
        player.clock()
    return player


def panel(player: Player, name: str, width: int, height: int, theme: str) -> str:
    """Draw one panel, or the timeline."""
    columns = layout.columns(width)
    view = Observer().view(player.model, Choice(player.selection), player.clock(), columns)
    rows: list[Strip] = []
    for part, part_rows in _parts(name, view, height):
        drawn = PANELS[part]()
        drawn.resize(width, part_rows)
        drawn.dress(palette(theme, "full"))
        drawn.take(view)
        rows += [drawn.line(y) for y in range(part_rows)]
    return _svg(rows, width, f"looplab › {player.selection.variant.title}")


def _parts(name: str, view: View, height: int) -> list[tuple[str, int]]:
    """Give what a picture is made of, from the top, each with its rows."""
    if name != TIMELINE:
        return [(name, height)]
    workers, pools, grid = lanes_of(view)
    rows = layout.bands(height, height + _AROUND, workers=workers, pools=pools, grid=grid)
    return [(part, count) for part, count in zip(_BANDS, rows, strict=True) if count > 0]


async def screen(player: Player, scenarios: Sequence[Scenario], width: int, height: int, theme: str) -> str:
    """Draw the whole screen."""
    # A picture has its colours whatever the terminal has that it is made in.
    os.environ.pop("NO_COLOR", None)
    # Never opened: nothing is run.
    app = LoopLabApp(
        Lab(),
        scenarios,
        player.selection,
        clock=lambda: S,
        live=False,
        theme=theme,
        depth="full",
        player=player,
    )
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        for _ in range(_SETTLE):
            app.frame(S)
            await pilot.pause()
        return tidy(app.export_screenshot(title=f"looplab › {player.selection.variant.title}"))


def _svg(rows: Sequence[Strip], width: int, title: str) -> str:
    console = Console(
        width=width,
        height=len(rows),
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
        no_color=False,
    )
    segments: list[Segment] = []
    for row in rows:
        segments += [*row, Segment.line()]
    console.print(Segments(segments), end="")
    return tidy(console.export_svg(title=title))
