"""A prediction as people read it: on the terminal, and as data."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log
from typing import Any

import msgspec

from looplab import __version__
from looplab.predict import Change, Demands, Point, Prediction
from looplab.predict.prediction import NOBODY

from .figures import count, duration, rate
from .machine import machine

WIDTH = 79
"""Columns."""

COLUMNS = 61
"""Of the curve."""

ROWS = 9

PERCENTILES = ("p50", "p90", "p95", "p99", "max")

SMALL_GAIN = 0.05
"""A smaller gain is no reason to change anything."""


def as_json(prediction: Prediction, demands: Demands) -> dict[str, Any]:
    """Give the prediction and what it was made from, so that another one can be."""
    return {
        "looplab": __version__,
        "machine": machine(),
        "prediction": msgspec.to_builtins(prediction),
        "demands": msgspec.to_builtins(demands),
    }


def as_text(prediction: Prediction) -> str:
    """Write the prediction."""
    return "\n".join(line.rstrip() for line in _lines(prediction)) + "\n"


def load(prediction: Prediction) -> str:
    """Say what system was predicted: `1,000 users, 1 worker, 2 cores, asyncpg 5`."""
    system = prediction.system
    users = f"{system.rate:,g} requests a second" if system.is_open else plural(system.users, "user")
    parts = [users, plural(system.workers, "worker"), plural(system.cores, "core")]
    each = " in each" if system.workers > 1 else ""
    parts += [f"{name} {slots:,}{each}" for name, slots in system.pools.items()]
    return ", ".join(parts)


def plural(number: int, what: str) -> str:
    """Write `1 user`, `2 users`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def limit(prediction: Prediction) -> str:
    """Say what limits the throughput."""
    found = next((one for one in prediction.resources if one.name == prediction.bottleneck), None)
    if found is None:
        who = "arrivals" if prediction.system.is_open else "users"
        return f"nothing is full: the {who} get all that they ask for"
    need = f"{duration_fine(found.need_ms)} of {found.slots:,} for each request"
    return f"{found.name}: {need}, {rate(found.most_rps)} req/s at most"


def duration_fine(value_ms: float) -> str:
    """Write a length of time that may be far below a millisecond."""
    return f"{value_ms * 1000:.0f} µs" if value_ms < 1 else duration(value_ms)


def knee(prediction: Prediction) -> str:
    """Say where the knee is."""
    users = max(round(prediction.knee_users), 1)
    if prediction.system.is_open:
        return f"{rate(prediction.resources[0].most_rps)} req/s: beyond that the queue grows without end"
    return f"{plural(users, 'user')}: beyond that a further user only waits"


def advice(prediction: Prediction) -> list[str]:
    """Say what to change first, and what was tried besides."""
    changes = prediction.changes
    if not changes:
        unknown = not prediction.outcome.complete or (prediction.stopped and prediction.bottleneck != NOBODY)
        return [] if unknown else ["change first: nothing; a request takes the time that it needs alone"]
    best, *others = changes
    if best.gain < SMALL_GAIN:
        first = "change first: no single resource helps by 5 % or more; tried:"
        return [first, *(f"  {_change(prediction, change)}" for change in changes)]
    lines = [f"change first: {_change(prediction, best)}"]
    return lines + [f"tried besides: {_change(prediction, change)}" for change in others]


def _change(prediction: Prediction, change: Change) -> str:
    before, after = prediction.outcome, change.outcome
    where = "" if change.knob in ("workers", "cores") else " in each worker"
    return (
        f"{change.knob} {change.before:,} → {change.after:,}{where}: "
        f"{rate(before.rps)} → {rate(after.rps)} req/s ({change.gain:+.0%}), "
        f"p95 {duration(before.service.p95)} → {duration(after.service.p95)}"
    )


def _lines(prediction: Prediction) -> Iterator[str]:
    found = prediction.outcome
    yield from _wrap(
        f"{prediction.scenario} › {prediction.variant}, predicted for {load(prediction)}", "", "  "
    )
    yield ""
    half = f" ± {rate(found.rps_half)}" if found.rps_half is not None else ""
    yield f"  req/s       {rate(found.rps)}{half}"
    yield f"  in flight   {found.in_flight:,.1f}"
    yield f"  limit       {limit(prediction)}"
    yield f"  knee        {knee(prediction)}"
    yield ""
    yield f"  {'latency':<10}" + "".join(f"{name:>11}" for name in ("mean", *PERCENTILES))
    latencies = [found.mean_ms, *(getattr(found.service, name) for name in PERCENTILES)]
    yield f"  {'service':<10}" + "".join(f"{duration(value):>11}" for value in latencies)
    yield ""
    yield f"  {'resource':<18}{'slots':>8}{'a request':>12}{'carries':>14}{'used':>8}"
    for one in prediction.resources:
        carries = f"{rate(one.most_rps)} req/s"
        yield (
            f"  {one.name:<18}{count(one.slots):>8}{duration_fine(one.need_ms):>12}{carries:>14}"
            f"{one.utilisation:>8.0%}"
        )
    yield ""
    for line in advice(prediction):
        yield from _wrap(line, "  ", "    ")
    for line in warnings(prediction):
        yield from _wrap(line, "  ! ", "    ")
    if len(prediction.curve) > 1:
        yield ""
        yield from draw(prediction.curve, prediction.knee_users)
    yield ""
    yield "  assumes"
    for line in prediction.assumes:
        yield from _wrap(line, "  · ", "    ")
    yield ""
    yield (
        f"  {found.requests:,} requests in {duration(found.measured_s * 1000)} of simulated time,"
        f" after {duration(found.warmup_s * 1000)} of warm-up"
    )


def warnings(prediction: Prediction) -> list[str]:
    """Say what a reader must know before believing the figures."""
    found = prediction.outcome
    said = []
    if not found.complete:
        done = duration((found.warmup_s + found.measured_s) * 1000)
        said.append(
            f"the time was up: stopped after {done} of simulated time, so the figures are not steady yet"
        )
    elif prediction.stopped:
        said.append("the time was up: candidates for a change, or points of the curve, are missing")
    if not prediction.cpu_known:
        said.append("what requests need of the CPU is not known: it may allow less than this")
    if found.late:
        share = found.late / found.requests
        said.append(f"{share:.0%} of the requests take longer than their timeout: they would fail")
    if found.capped:
        said.append(f"{found.capped:,} arrivals were left out, because too many were under way")
    return said


def draw(points: Sequence[Point], knee_users: float) -> Iterator[str]:
    """Draw throughput over users, with the bound and the knee, and p95 below each point.

    Users are on a logarithmic axis.
    """
    most_users = points[-1].users
    top = max(point.rps for point in points) * 1.05

    def column(users: float) -> int:
        return round(log(max(users, 1)) / log(most_users) * (COLUMNS - 1)) if most_users > 1 else 0

    def row(rps: float) -> int:
        return min(max(round((1 - rps / top) * (ROWS - 1)), 0), ROWS - 1)

    cells = [[" "] * COLUMNS for _ in range(ROWS)]
    marked = column(knee_users) if 1 <= knee_users <= most_users else -1
    if marked >= 0:
        for line in cells:
            line[marked] = "┊"
    for before, after in pairwise(points):
        first, last = column(before.users), column(after.users)
        for at in range(first, last):
            share = (at - first) / max(last - first, 1)
            cells[row(before.rps + (after.rps - before.rps) * share)][at] = "·"
    for point in points:
        cells[row(point.rps)][column(point.users)] = "●"
    yield "  req/s over users"
    for number, line in enumerate(cells):
        at_row = top * (1 - number / (ROWS - 1))
        label = rate(at_row) if number % 4 == 0 else ""
        yield f"  {label:>9} │{''.join(line)}"
    yield f"  {'':>9} └{'─' * COLUMNS}"
    ends = f"1{most_users:>{COLUMNS - 1},}"
    if marked >= 0:
        name = f"knee {max(round(knee_users), 1):,}"
        place = min(max(marked - len(name) // 2, 2), COLUMNS - len(name) - len(f"{most_users:,}") - 1)
        ends = ends[:place] + name + ends[place + len(name) :]
    yield f"  {'':>9}  {ends}"
    yield ""
    yield f"  {'users':>12}{'req/s':>12}{'p50':>12}{'p95':>12}"
    for point in points:
        yield (
            f"  {point.users:>12,}{rate(point.rps):>12}{duration(point.p50_ms):>12}"
            f"{duration(point.p95_ms):>12}"
        )


def _wrap(text: str, first: str, others: str) -> list[str]:
    # A number and its unit stay together.
    joined = re.sub(r"(?<=\d) (?=(ms|s|µs|req/s)\b)", "\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(joined, WIDTH, initial_indent=first, subsequent_indent=others)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
