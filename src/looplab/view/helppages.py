"""The pages of the help: the keys of a screen, the phases, and how each panel is read."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from looplab.view.explanations import PANELS
from looplab.view.keys import Key
from looplab.view.palette import GLYPHS, NAMES, Palette
from looplab.wire.events import Phase

WIDTH: Final = 74
_TIME: Final = ("freeze", "scrub", "begin", "present", "speed", "request", "widen", "strip")
"""Actions that go about in time: a page of their own."""
_FEW: Final = 16
"""As many keys have room for their whole description."""
_MEANINGS: Final = {
    Phase.QUEUED: "sent, and the server has not looked at it yet",
    Phase.RUNNING: "its code holds the event loop",
    Phase.BLOCKING: "has held it for 50 ms or more: nobody else runs",
    Phase.AWAITING: "suspended; the loop is free for others",
    Phase.THREAD_WAIT: "waits for a thread slot",
    Phase.THREAD: "runs in a thread slot",
    Phase.POOL_WAIT: "waits for a connection, to a database or a service",
    Phase.QUERY: "holds a database connection",
    Phase.READY: "could go on, but the loop is busy with another",
    Phase.SENDING: "answered; the body is on its way",
}

ALSO: Final = {"line": "numbers", "footer": "keys", "code-narrow": "code", "failure": "verdict"}
"""Panels that are explained on the page of another."""


def page_of(panel: str, y: int, height: int) -> str:
    """Name the page that explains a row of a panel; empty for a row that is not its title.

    Args:
        panel: id of the panel on the main screen.
        y: row within it.
        height: rows of it.
    """
    if panel == "axis" and y == height - 1 > 0:
        return "phases"
    page = ALSO.get(panel, panel)
    return page if page in (*PANELS, "keys") and (y == 0 or panel == "axis") else ""


@dataclass(frozen=True)
class Page:
    """One page."""

    id: str
    title: str
    text: Text


def pages(look: Palette, name: str, keys: Sequence[Key], scenarios: Sequence[str]) -> list[Page]:
    """Write the pages.

    Args:
        look: the colours.
        name: the screen that was asked about.
        keys: what it listens to.
        scenarios: titles in the order of the digits; the main screen has them, and the panels.
    """
    if not scenarios:
        return [Page("keys", name, _keys(look, keys))]
    found = [
        Page("keys", name, _keys(look, [key for key in keys if _action(key) not in _TIME])),
        Page("time", "Time", _keys(look, [key for key in keys if _action(key) in _TIME])),
    ]
    found.append(Page("phases", "Phases", _phases(look)))
    found += [Page(id, title, _told(text)) for id, (title, text) in PANELS.items()]
    found.append(Page("scenarios", "Scenarios", _scenarios(look, scenarios)))
    return found


def _action(key: Key) -> str:
    return key.action.partition("(")[0]


def _keys(look: Palette, keys: Sequence[Key]) -> Text:
    page = Text(no_wrap=True, overflow="ellipsis")
    if len(keys) <= _FEW:
        for key in keys:
            page.append(f"{key.shown:>9}  ", look.accent)
            page.append(f"{key.title or key.help}\n")
        page.rstrip()
        return page
    shown = [(key.shown, key.help) for key in keys] + [("ctrl+p", "every action, themes")]
    half = -(-len(shown) // 2)
    for row in range(half):
        for column, (key_, text) in enumerate(shown[row::half]):
            page.append(f"{key_:>9}  ", look.accent)
            page.append(text if column else f"{text:<26}")
        page.append("\n")
    page.rstrip()
    return page


def _phases(look: Palette) -> Text:
    page = Text(no_wrap=True, overflow="ellipsis")
    page.append("A request is in exactly one phase at any moment.\n\n", "bold")
    for phase, meaning in _MEANINGS.items():
        page.append("█" if look.dense else GLYPHS[phase], look.solid[phase])
        page.append(GLYPHS[phase] * 3, look.textured[phase])
        page.append(f"  {NAMES[phase]:<12} ", "bold")
        page.append(f"{meaning}\n")
    page.append("\nThe solid colour is that of bars two a row, the glyph that of single ones.")
    return page


def _told(text: str) -> Text:
    page = Text()
    for place, paragraph in enumerate(text.strip().split("\n\n")):
        page.append(textwrap.fill(" ".join(paragraph.split()), WIDTH), "" if place else "bold")
        page.append("\n\n")
    page.rstrip()
    return page


def _scenarios(look: Palette, scenarios: Sequence[str]) -> Text:
    page = Text(no_wrap=True, overflow="ellipsis")
    for number, title in enumerate(scenarios, 1):
        page.append(f"{number % 10 if number <= 10 else '':>9}  ", look.accent)
        page.append(f"{title}\n")
    page.append("\nThe digits open the first ten, [ and ] go to the next, o lists all.")
    return page
