"""The numbers: what flows now, the latencies, how the requests ended, and the knobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from looplab.view import format as write
from looplab.view.layout import columns
from looplab.view.paint import EIGHTHS, Piece, levels, resample, strip, text_strip, title_strip
from looplab.view.panels.base import Panel
from looplab.view.panels.loops import LAG_MARK_MS
from looplab.view.panels.threads import POOL
from looplab.view.state import View
from looplab.wire.clock import MS
from looplab.wire.events import Phase

_NAME = 10
_VALUE = 10
_POINTS_NS = 30_000 * MS
"""A sparkline goes back this far at most."""


@dataclass(frozen=True)
class Gauge:
    """A figure with its history."""

    name: str
    value: str
    history: tuple[float, ...]
    style: Style
    least: float
    """Full height of the sparkline stands for at least this."""


def gauges(view: View, panel: Panel, points: int) -> list[Gauge]:
    """Give the gauges of the present moment, each with at most `points` points of history."""
    look, model = panel.palette, view.model
    begin_ns = max(model.started_ns, view.now_ns - _POINTS_NS)
    flow = model.flow
    pools = [worker.slots[POOL] for worker in model.workers if POOL in worker.slots]
    lag = _largest([worker.loop.lag_series.values(begin_ns, view.now_ns) for worker in model.workers])
    held = _sum([pool.held_series.values(begin_ns, view.now_ns) for pool in pools])
    total = sum(pool.total for pool in pools)
    slow = view.lag_ms is not None and view.lag_ms >= LAG_MARK_MS
    in_flight = flow.in_flight.values(begin_ns, view.now_ns)
    queued = flow.queued.values(begin_ns, view.now_ns)
    rate = [10.0 * count for count in flow.done.values(begin_ns, view.now_ns)]
    lag_style = look.solid[Phase.BLOCKING] if slow else look.dim
    taken = f"{sum(pool.held for pool in pools)}/{total or write.NOTHING}"

    def gauge(name: str, value: str, history: Sequence[float], style: Style, least: float) -> Gauge:
        return Gauge(name, value, tuple(resample(history, points)), style, least)

    return [
        gauge("in flight", _count(view.in_flight), in_flight, look.solid[Phase.RUNNING], 1),
        gauge("queued", _count(view.queued), queued, look.solid[Phase.READY], 1),
        gauge("req/s", write.rate(view.rps), rate, look.solid[Phase.AWAITING], 1),
        gauge("loop lag", write.duration(view.lag_ms), [ns / MS for ns in lag], lag_style, LAG_MARK_MS),
        gauge("threads", taken, held, look.solid[Phase.THREAD], total),
    ]


def spark(gauge: Gauge) -> Segment:
    """Draw the history of a gauge in one row."""
    heights = levels(gauge.history, max([*gauge.history, gauge.least]))
    return Segment("".join(EIGHTHS[height] for height in heights), gauge.style)


class NumbersPanel(Panel):
    """Gauges, latencies, outcomes and knobs, from the top; what does not fit is cut at the bottom."""

    def __init__(self) -> None:
        super().__init__()
        self._clicks: dict[int, str] = {}

    def show(self, view: View) -> None:
        """Draw the rows whose figures changed."""
        rows: list[tuple[object, list[Piece]]] = [
            *self._gauges(view),
            ("blank", []),
            *self._latencies(view),
            ("blank", []),
            *self._outcomes(view),
        ]
        look = self.palette
        if self.fresh(0, "title"):
            self.put(0, title_strip(self.width, look, "Now"))
        y = 1
        for key, pieces in rows:
            if self.fresh(y, key):
                self.put(y, text_strip(pieces, self.width, look.text))
            y += 1
        y = self._knobs(view, y)
        for rest in range(y, self.height):
            if self.fresh(rest, "blank"):
                self.put(rest, strip([], self.width, look.text))

    def _gauges(self, view: View) -> list[tuple[object, list[Piece]]]:
        look = self.palette
        points = max(self.width - _NAME - _VALUE - 6, 0)
        rows: list[tuple[object, list[Piece]]] = []
        for gauge in gauges(view, self, points):
            drawn = spark(gauge)
            rows.append(
                (
                    gauge,
                    [
                        (f"  {gauge.name:<{_NAME}}", look.dim),
                        (f"{gauge.value:>{_VALUE}}  ", look.bold),
                        (drawn.text, gauge.style),
                    ],
                )
            )
        return rows

    def _latencies(self, view: View) -> list[tuple[object, list[Piece]]]:
        look = self.palette
        wide = self.width >= 46
        heads = ["p50", "p95", "p99", "max"] if wide else ["p50", "p95", "max"]
        rows: list[tuple[object, list[Piece]]] = []
        title = f"  {'latency':<{_NAME}}" + "".join(f"{head:>{_VALUE - 1}}" for head in heads)
        rows.append((title, [(title, look.dim)]))
        for name, latency in (("service", view.statistics.service), ("response", view.statistics.response)):
            values = [getattr(latency, head) for head in heads]
            text = "".join(f"{write.duration(value):>{_VALUE - 1}}" for value in values)
            rows.append(((name, text), [(f"  {name:<{_NAME}}", look.dim), (text, look.bold)]))
        return rows

    def _outcomes(self, view: View) -> list[tuple[object, list[Piece]]]:
        look, stats = self.palette, view.statistics
        errors = {kind: count for kind, count in (stats.errors or {}).items() if count}
        wrong = look.marks["error"]
        first: list[Piece] = [
            ("  ok ", look.dim), (f"{stats.ok:,}", look.bold),
            ("   errors ", look.dim),
            (f"{stats.failed:,}", wrong if stats.failed else look.bold),
        ]  # fmt: skip
        if errors:
            first.append((" " + " ".join(f"{kind} {count:,}" for kind, count in errors.items()), wrong))
        second: list[Piece] = []
        for name, count in (
            ("unfinished", stats.unfinished),
            ("never sent", stats.never_sent),
            ("dropped", view.model.dropped),
        ):
            if second:
                second.append(("   ", look.dim))
            style = look.marks["warning"] if count else look.dim
            second += [(f"{name} ", look.dim), (f"{count:,}", style)]
        second.insert(0, ("  ", look.dim))
        return [(tuple(first), first), (tuple(second), second)]

    def _knobs(self, view: View, y: int) -> int:
        look = self.palette
        self._clicks = {}
        if y + 2 >= self.height:
            return y
        if self.fresh(y, "blank"):
            self.put(y, strip([], self.width, look.text))
        y += 1
        if self.fresh(y, "knobs"):
            self.put(y, title_strip(self.width, look, "Knobs"))
        y += 1
        selection = view.choice.selection
        users = selection.users
        what = "at once" if selection.plan.executor == "burst" else "users"
        rows: list[tuple[str, str, str, float | None, bool]] = []
        for knob, value, picked in view.knobs:
            share = (value - knob.min) / (knob.max - knob.min) if knob.max > knob.min else 0.0
            span = f"{knob.min:g}–{knob.max:g}"
            rows.append((knob.name, write.knob(value, knob.unit), span, share, picked))
        rows.append((what, f"{users:,}", "- +", None, False))
        for name, text, span, place, picked in rows:
            if y >= self.height:
                break
            key = (name, text, span, place, picked)
            if self.fresh(y, key):
                self.put(y, text_strip(self._knob(name, text, span, place, picked), self.width, look.text))
            self._clicks[y] = "turn" if place is not None else "users"
            y += 1
        return y

    def _knob(self, name: str, text: str, span: str, share: float | None, picked: bool) -> list[Piece]:
        look = self.palette
        head: list[Piece] = [
            ("▸ " if picked else "  ", look.accent),
            (f"{name[:_NAME]:<{_NAME}}", look.bold if picked else look.dim),
            (f"{text:>{_VALUE}}  ", look.bold),
        ]
        if share is None:
            return [*head, (span, look.accent)]
        room = self.width - _NAME - _VALUE - 5 - len(span) - 6
        if room < 4:
            return [*head, (span, look.dim)]
        place = min(round(share * (room - 1)), room - 1)
        return [
            *head,
            ("< ", look.accent if picked else look.rule),
            ("━" * place, look.accent),
            ("●", look.accent),
            ("─" * (room - 1 - place), look.rule),
            (" >", look.accent if picked else look.rule),
            (f" {span}", look.dim),
        ]

    def action_at(self, x: int, y: int) -> str | None:
        """Turn a knob down by a click on its left half, up by one on its right half."""
        action = self._clicks.get(y)
        if action is None:
            return None
        step = 1 if x >= _NAME + _VALUE + 4 + columns(self.width - _NAME - _VALUE) // 3 else -1
        return f"{action}({step})"


def _count(value: int | None) -> str:
    return write.NOTHING if value is None else f"{value:,}"


def _largest(series: Sequence[Sequence[int]]) -> list[int]:
    return [max(values) for values in zip(*series, strict=False)]


def _sum(series: Sequence[Sequence[int]]) -> list[int]:
    return [sum(values) for values in zip(*series, strict=False)]
