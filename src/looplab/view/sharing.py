"""What leaves the screen: the verdict to the clipboard, a picture to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from textual.app import App

from looplab import __version__
from looplab.view import format as write
from looplab.view.palette import SIGNS
from looplab.view.state import View
from looplab.view.svg import tidy

PICTURE_S: Final = 0.1
"""Time in which the command palette is gone from the screen."""


class Sharing:
    """Copies what is seen, and says so in the footer."""

    def __init__(self, app: App[None], hint: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            app: has the clipboard, and draws the picture.
            hint: says something in the footer.
        """
        self._app = app
        self._hint = hint
        self._view: View | None = None

    def follow(self, view: View) -> None:
        """Take what is seen now."""
        self._view = view

    def copy(self) -> None:
        """Copy the verdict, by the terminal's own way (OSC 52): it works over ssh, too."""
        if self._view is not None:
            self._app.copy_to_clipboard(verdict_text(self._view))
            self._hint("verdict copied, if this terminal lets a program copy")

    def picture(self) -> None:
        """Save the screen as an SVG file in the current folder, under a name that is not taken."""
        name = "looplab"
        if self._view is not None:
            selection = self._view.choice.selection
            name = f"looplab-{selection.scenario.id}-{selection.variant.id}"
        number = 1
        while (path := Path.cwd() / f"{name}-{number}.svg").exists():
            number += 1
        try:
            path.write_text(tidy(self._app.export_screenshot()), encoding="utf-8")
        except OSError as error:
            self._hint(f"no picture: {path.parent}: {error.strerror}")
        else:
            self._hint(f"picture saved: {path.name} in {path.parent}")

    def picture_soon(self) -> None:
        """Save the screen as it is without the palette, from which this was asked."""
        self._app.set_timer(PICTURE_S, self.picture)


def verdict_text(view: View) -> str:
    """Write the verdict as a message to somebody who does not see the screen."""
    news, selection = view.headline, view.choice.selection
    lines = [f"{SIGNS[news.severity]} {news.text}"]
    lines += [f"  {part.strip()}" for part in news.detail.split("   ") if part.strip()]
    knobs = [
        f"{name} {write.knob(value, selection.scenario.knobs[name].unit)}"
        for name, value in selection.knobs.items()
        if name in selection.scenario.knobs
    ]
    what, amount = view.load
    stats = view.statistics
    rates = []
    if news.measured_rps is not None and "measured" not in news.detail:
        rates.append(f"{write.rate(news.measured_rps)} req/s")
    for name, latency in (("p50", stats.service.p50), ("p95", stats.service.p95)):
        if latency is not None:
            rates.append(f"{name} {write.duration(latency)}")
    if rates:
        lines.append("  " + ", ".join(rates))
    title = f"{selection.scenario.id} › {selection.variant.id}"
    lines.append("  " + ", ".join([title, *knobs, f"{amount} {what}", f"looplab {__version__}"]))
    return "\n".join(lines)
