"""`looplab check`: runs scenarios, and tests the claims that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from looplab import __version__
from looplab.lab import Lab
from looplab.scenario import Claim, ExpressionError, Scenario, claim_variants, evaluate

from .bench import bench, select
from .machine import machine
from .progress import Observer
from .runner import RunError
from .tries import FAILS, HOLDS, TRIES, outcome

CLIENT, NOT_RUN = "client", "not run"
"""What became of a claim that was not tested: the client was the limit, so that the figures are not the
server's, or its scenario could not run."""

GLYPHS = {HOLDS: ("●", "green"), FAILS: ("■", "bold red"), CLIENT: ("▲", "yellow"), NOT_RUN: ("▲", "yellow")}
"""Glyph and colour: a result can be read without colours."""

SIDE = 7
"""Cells of one side of a claim: four digits, a point, a sign and a comma."""

BESIDE = 3 + 2 * (SIDE + 2) + 4 + 22
"""Cells of all columns but the text of the claim."""

NARROWEST = 24
"""Least cells for that text; it goes on in further lines."""

LabFactory = Callable[[], Lab]


def check(
    scenarios: Sequence[Scenario], observer: Observer, lab_factory: LabFactory = Lab, tries: int = TRIES
) -> dict[str, Any]:
    """Run every scenario with its own knobs and traffic, and test its claims.

    A scenario of which a claim does not hold is run again as a whole, up to `tries` times; a claim that has
    held once is not asked again. A scenario that cannot run is told, and the others go on.

    Returns:
        The JSON of `looplab check`: for each scenario its claims with both sides of every try, and the
        results of its last run as `bench` gives them.
    """
    return {
        "looplab": __version__,
        "machine": machine(),
        "scenarios": [_check(scenario, observer, lab_factory, tries) for scenario in scenarios],
    }


def _check(scenario: Scenario, observer: Observer, lab_factory: LabFactory, tries: int) -> dict[str, Any]:
    claims: list[dict[str, Any]] = [
        {"text": claim.text, "left": claim.left, "op": claim.op, "right": claim.right, "tries": []}
        for claim in scenario.claims
    ]
    results: list[dict[str, Any]] = []
    problem, log = "", []
    for _ in range(tries):
        try:
            results = bench(select([scenario], [], {}), 1, observer, lab_factory)["results"]
        except RunError as failure:
            problem, log = failure.reason, failure.log
            break
        for claim, entry in zip(scenario.claims, claims, strict=True):
            if _status(entry) != HOLDS:
                entry["tries"].append(_try(claim, results))
        if all(_status(entry) == HOLDS for entry in claims):
            break
    for entry in claims:
        entry["status"] = _status(entry)
    return {
        "scenario": scenario.id,
        "problem": problem,
        "log": log,
        "claims": claims,
        "results": results,
    }


def _try(claim: Claim, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Test a claim once."""
    named = claim_variants(claim, [result["variant"] for result in results])
    limited = [
        result["variant"]
        for result in results
        if result["variant"] in named and result["median"]["client_limited"]
    ]
    entry: dict[str, Any] = {"left": None, "right": None, "holds": False, "problem": "", "limited": limited}
    try:
        entry["left"], entry["right"], entry["holds"] = evaluate(claim, results)
    except ExpressionError as error:
        entry["problem"] = str(error)
    return entry


def _status(entry: Mapping[str, Any]) -> str:
    """Judge a claim by its tries: figures of a client that was the limit prove nothing."""
    tested = [one for one in entry["tries"] if not one["limited"]]
    if any(one["holds"] for one in tested):
        return HOLDS
    if tested:
        return FAILS
    return CLIENT if entry["tries"] else NOT_RUN


def statuses(report: Mapping[str, Any]) -> list[str]:
    """Give what became of each claim."""
    return [claim["status"] for claim in _claims(report)]


def _claims(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in report["scenarios"]:
        yield from entry["claims"]


class Claims:
    """The report as a table: each claim with both sides as measured, and whether it holds."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        """Take the report of `check`."""
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw a block for each scenario, and the sum of all below."""
        longest = max((len(claim["text"]) for claim in _claims(self._report)), default=0)
        width = max(min(longest, options.max_width - BESIDE), NARROWEST)
        for entry in self._report["scenarios"]:
            yield Text(entry["scenario"], style="bold")
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
            table.add_column(width=1)
            table.add_column(width=width)
            table.add_column(justify="right", no_wrap=True, min_width=SIDE)
            table.add_column(no_wrap=True, min_width=2)
            table.add_column(no_wrap=True, min_width=SIDE)
            table.add_column(no_wrap=True)
            for claim in entry["claims"]:
                glyph, style = GLYPHS[claim["status"]]
                last = next(reversed(claim["tries"]), None)
                sides = [_figure(last[side]) if last else "" for side in ("left", "right")]
                table.add_row(
                    Text(glyph, style=style),
                    escape(claim["text"]),
                    sides[0],
                    claim["op"],
                    sides[1],
                    Text(_words(claim), style=style),
                )
            yield table
            for line in _explained(entry):
                yield Text(f"  {line}", style="dim")
            yield Text()
        yield Text(_sum(self._report))


def _words(claim: Mapping[str, Any]) -> str:
    """Say what became of a claim, and at which try."""
    status: str = claim["status"]
    return "the client was the limit" if status == CLIENT else outcome(status, len(claim["tries"]))


def _explained(entry: Mapping[str, Any]) -> Iterator[str]:
    """Say what stands behind whatever does not hold: the expressions, and why one has no value."""
    if entry["problem"]:
        yield f"not run: {entry['problem']}"
    for claim in entry["claims"]:
        if claim["status"] != FAILS:
            continue
        for number, one in enumerate(claim["tries"], start=1):
            sides = f"{_figure(one['left'])} {claim['op']} {_figure(one['right'])}"
            yield f"try {number}: {claim['left']} {claim['op']} {claim['right']}: {one['problem'] or sides}"


def _figure(value: float | None) -> str:
    """Write a side of a claim with four digits."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _sum(report: Mapping[str, Any]) -> str:
    found = statuses(report)
    parts = [f"{found.count(HOLDS)} of {len(found)} claims hold"]
    for status, words in (
        (FAILS, "fail"),
        (CLIENT, "not tested: the client was the limit"),
        (NOT_RUN, "not run"),
    ):
        if number := found.count(status):
            parts.append(f"{number} {words}")
    return ", ".join(parts)
