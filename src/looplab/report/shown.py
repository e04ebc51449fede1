"""What `looplab fire` prints: the figures of one run as people read them, with its latencies as bars."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from looplab.model import Model
from looplab.model.histogram import Histogram
from looplab.wire.buckets import bounds
from looplab.wire.clock import MS

from .figures import count, duration, rate

WIDTH = 79
"""Columns of a note."""
BARS = 11
"""Rows of the histogram."""
BAR = 40
"""Cells of its longest bar."""
PERCENTILES = ("p50", "p90", "p95", "p99", "max")
EIGHTHS = " ▏▎▍▌▋▊▉█"


def summary(run: Mapping[str, Any], model: Model, title: str) -> str:
    """Write the figures of a run: rates, latencies, their histogram, how the requests ended."""
    return "\n".join(line.rstrip() for line in _lines(run, model, title)) + "\n"


def _lines(run: Mapping[str, Any], model: Model, title: str) -> Iterator[str]:
    yield f"{title}   {run['duration_s']:.2f} s"
    yield ""
    yield f"  req/s       {rate(run['rps'])}"
    if run["offered_rps"] is not None:
        yield f"  offered     {rate(run['offered_rps'])}    sent {rate(run['sent_rps'])}"
    yield f"  requests    {count(run['requests'])}    ok {count(run['ok'])}    {_wrong(run)}"
    yield f"  in flight   {_mean(run)}"
    if statuses := _statuses(model):
        yield f"  status      {statuses}"
    yield ""
    yield f"  {'latency':<10}" + "".join(f"{name:>10}" for name in PERCENTILES)
    for kind in ("service", "response"):
        latency = run["latency_ms"][kind]
        if latency["n"]:
            yield f"  {kind:<10}" + "".join(f"{duration(latency[name]):>10}" for name in PERCENTILES)
        elif note := latency.get("note"):
            yield from textwrap.wrap(note, WIDTH, initial_indent=f"  {kind:<12}", subsequent_indent=" " * 14)
    service = Histogram()
    for period in model.generators.measured:
        service.merge(Histogram.of(period.state.service))
    if service.n:
        yield ""
        yield from bars(service)
    for limit in run["client"]["limits"]:
        yield ""
        yield f"CLIENT-LIMITED: figures are lower bounds: the client {limit['text']}"


def _wrong(run: Mapping[str, Any]) -> str:
    """Write what went wrong, by kind."""
    failed = {kind: number for kind, number in run["errors"].items() if number}
    words = [f"errors {count(sum(failed.values()))}"]
    if failed:
        words.append(f"({', '.join(f'{kind} {number:,}' for kind, number in failed.items())})")
    for key, name in (("unfinished", "unfinished"), ("never_sent", "never sent")):
        if run[key]:
            words.append(f"   {name} {count(run[key])}")
    return " ".join(words)


def _mean(run: Mapping[str, Any]) -> str:
    mean = run["in_flight"]["mean"]
    return f"mean {mean:,.1f}    max {count(run['in_flight']['max'])}" if mean is not None else "–"


def _statuses(model: Model) -> str:
    """Count the statuses of the requests that are kept: of a long run these are the last ones."""
    statuses = Counter(request.status for request in model.requests if request.status)
    words = "   ".join(f"{status} × {number:,}" for status, number in sorted(statuses.items()))
    seen = sum(statuses.values())
    traffic = model.statistics()
    all_of_them = seen >= traffic.ok + (traffic.errors or {}).get("status", 0)
    return words if all_of_them or not words else f"{words}   (of the last {seen:,} seen)"


def bars(histogram: Histogram) -> Iterator[str]:
    """Draw a histogram: rows of equal ratio, so that the fast and the slow ones are both seen."""
    numbers = sorted(histogram.counts)
    least = max(bounds(numbers[0])[0], 1)
    most = max(bounds(numbers[-1])[1], least + 1)
    step = (math.log(most) - math.log(least)) / BARS
    rows = [0] * BARS
    for number, found in histogram.counts.items():
        low, high = bounds(number)
        middle = max((low + high) / 2, 1)
        rows[min(max(int((math.log(middle) - math.log(least)) / step), 0), BARS - 1)] += found
    for row, found in enumerate(rows):
        until_ms = math.exp(math.log(least) + (row + 1) * step) / MS
        cells = found * BAR * 8 // max(rows)
        drawn = "█" * (cells // 8) + EIGHTHS[cells % 8].strip()
        if found and not drawn:
            drawn = EIGHTHS[1]
        yield f"  ≤ {_precise(until_ms):>9}  {drawn:<{BAR}} {count(found):>10}"


def _precise(value_ms: float) -> str:
    """Write the edge of a row, which may be far below a millisecond."""
    return f"{value_ms * 1000:.0f} µs" if value_ms < 1 else duration(value_ms)
