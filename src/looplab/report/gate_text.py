"""What a gate has found, as people read it: each limit with what was measured, and the guilty lines below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .figures import NONE, count, duration, rate
from .gate import NOT_JUDGED
from .tries import FAILS, HOLDS, outcome

GLYPHS = {HOLDS: ("●", "green"), FAILS: ("■", "bold red"), NOT_JUDGED: ("▲", "yellow")}
"""Glyph and colour: a result can be read without colours."""


class Gate:
    """The report as a table and text."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        """Take the report of `gate`."""
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw a row for each limit, then what stands behind whatever does not hold, then the sum."""
        report = self._report
        yield Text(f"{report['app']} under {report['server']}", style="bold")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        for _ in range(2):
            table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        for check in report["checks"]:
            glyph, style = GLYPHS[check["status"]]
            table.add_row(
                Text(glyph, style=style),
                check["name"],
                _measured(check),
                f"of {figure(check['limit'], check['unit'])}",
                Text(outcome(check["status"], len(check["tries"])), style=style),
            )
        yield table
        for check in report["checks"]:
            if check["status"] != HOLDS:
                yield Text()
                yield from _indented(check["detail"] or check["text"])
            elif spoiled := [one["text"] for one in check["tries"] if one["holds"] is False]:
                yield Text()
                yield Text(f"{check['name']} did not hold before: {spoiled[-1]}", style="dim")
        if report["notes"]:
            yield Text()
            for note in report["notes"]:
                yield Text(note, style="dim")
        yield Text()
        yield Text(total(report["checks"]))


def _indented(text: str) -> Iterator[Padding]:
    """Let a line that goes on stay within its indentation."""
    for line in text.splitlines():
        bare = line.lstrip()
        yield Padding(Text(bare), (0, 0, 0, len(line) - len(bare)))


def _measured(check: Mapping[str, Any]) -> str:
    if check["name"] == "max-stall" and check["measured"] == 0:
        return "none"
    return figure(check["measured"], check["unit"])


def figure(value: float | None, unit: str) -> str:
    """Write a value of a limit with its unit."""
    if value is None:
        return NONE
    if unit == "ms":
        return duration(value)
    return f"{rate(value)} {unit}" if unit == "req/s" else count(int(value))


def total(checks: Sequence[Mapping[str, Any]]) -> str:
    """Say how many limits hold, and how many do not."""
    found = [check["status"] for check in checks]
    parts = [f"{found.count(HOLDS)} of {len(found)} limits hold"]
    parts += [
        f"{number} {words}"
        for status, words in ((FAILS, "fail"), (NOT_JUDGED, "not judged"))
        if (number := found.count(status))
    ]
    return ", ".join(parts)


def marks(report: Mapping[str, Any], folder: str) -> Iterator[str]:
    """Give the guilty lines in the words by which GitHub's Actions mark lines of a pull request.

    Args:
        report: of `gate`.
        folder: absolute folder of the repository, from which GitHub counts paths.
    """
    for check in report["checks"]:
        if check["status"] != FAILS:
            continue
        for stall in check["stalls"]:
            file = stall["file"].removeprefix(f"{folder.rstrip('/')}/")
            said = f"held the event loop for {duration(stall['ms'])}"
            said += f" in {stall['call']}" if stall["call"] else ""
            said += f". {stall['mend']}" if stall["mend"] else ""
            if file:
                where = f"file={_property(file)},line={stall['line']}"
                yield f"::error {where},title=looplab gate::{_value(said)}"


def _value(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _value(text).replace(":", "%3A").replace(",", "%2C")
