"""The numbers: what flows now, the latencies, how the requests ended, and the knobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.style import Style

from looplab.view import format as write
from looplab.view.controls import MIX, sends
from looplab.view.layout import columns
from looplab.view.paint import EIGHTHS, Piece, levels, over_window, strip, text_strip, title_strip
from looplab.view.panels.band import GTHREAD, THREADS
from looplab.view.panels.base import Panel
from looplab.view.panels.loops import LAG_MARK_MS, lag_ms
from looplab.view.state import View
from looplab.wire.clock import S
from looplab.wire.events import Phase

_GAUGES = 5
_ROWS = 16
"""Rows of the panel without its knobs, at one row a gauge."""
_NAME = 10
_VALUE = 10

NO_RESPONSE = "   none: a closed model"
"""In the place of response latencies where no schedule says when a request should have been sent."""


class _Series(Protocol):
    """A series of the model."""

    bucket_ns: int

    def values(self, from_ns: int, to_ns: int) -> list[int]:
        """Give one value a bucket."""


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
    """Give the gauges of the present moment, each with its history over the window in `points` points."""
    look, model, window = panel.palette, view.model, view.window
    start_ns = window.start_ns

    def history(series: Sequence[_Series], factor: float = 1.0) -> tuple[float, ...]:
        if not series or not points:
            return ()
        length_ns = series[0].bucket_ns
        values = [
            factor * sum(v) for v in zip(*(s.values(start_ns, view.now_ns) for s in series), strict=True)
        ]
        first_ns = start_ns // length_ns * length_ns
        return tuple(over_window(values, first_ns, length_ns, window, points, view.now_ns))

    flow = model.flow
    pools = [
        worker.slots[name] for worker in model.workers for name in (THREADS, GTHREAD) if name in worker.slots
    ]
    states = [state for (_, name), state in view.pools.items() if name in (THREADS, GTHREAD)]
    total = sum(state.total for state in states)
    slow = view.lag_ms is not None and view.lag_ms >= LAG_MARK_MS
    lag_style = look.solid[Phase.BLOCKING] if slow else look.dim
    taken = (
        f"{sum(state.held for state in states)}/{total}" if total else "none" if view.finished else "none yet"
    )
    rate = history([flow.done], S / flow.done.bucket_ns)
    held = history([pool.held_series for pool in pools])
    lag = tuple(lag_ms(view, points))
    return [
        Gauge("in flight", _count(view.in_flight), history([flow.in_flight]), look.solid[Phase.RUNNING], 1),
        Gauge("queued", _count(view.queued), history([flow.queued]), look.solid[Phase.READY], 1),
        Gauge("req/s", write.rate(view.rps), rate, look.solid[Phase.AWAITING], 1),
        Gauge("loop lag", write.duration(view.lag_ms), lag, lag_style, LAG_MARK_MS),
        Gauge("threads", taken, held, look.solid[Phase.THREAD], total),
    ]


def spark(gauge: Gauge, rows: int = 1) -> list[str]:
    """Draw the history of a gauge, from the top row down."""
    heights = levels(gauge.history, max([*gauge.history, gauge.least]), rows)
    return [
        "".join(EIGHTHS[min(max(height - 8 * below, 0), 8)] for height in heights)
        for below in range(rows - 1, -1, -1)
    ]


class NumbersPanel(Panel):
    """Gauges, latencies, outcomes and knobs, from the top; what does not fit is cut at the bottom."""

    def __init__(self) -> None:
        super().__init__()
        self._clicks: dict[int, str] = {}

    def show(self, view: View) -> None:
        """Draw the rows whose figures changed."""
        if self.same_figures(view):
            return
        spare = self.height - _ROWS - len(view.knobs)
        tall = 1 + min(max((spare + 1) // _GAUGES, 0), 3)
        rows: list[tuple[object, list[Piece]]] = [
            *self._gauges(view, tall),
            *([("blank", [])] if tall == 1 else []),
            *self._latencies(view),
            ("blank", []),
            *self._outcomes(view),
        ]
        look = self.palette
        # The verdict's rate is that of the whole run, so this one must say what it is of.
        title, detail = (
            ("At the end", "req/s of all the run") if view.finished else ("Now", "req/s of the last second")
        )
        if self.fresh(0, title):
            self.put(0, title_strip(self.width, look, title, detail))
        y = 1
        for key, pieces in rows:
            if self.fresh(y, key):
                self.put(y, text_strip(pieces, self.width, look.text))
            y += 1
        y = self._knobs(view, y)
        for rest in range(y, self.height):
            if self.fresh(rest, "blank"):
                self.put(rest, strip([], self.width, look.text))

    def _gauges(self, view: View, tall: int) -> list[tuple[object, list[Piece]]]:
        """Draw each gauge in `tall` rows, its name and value in the last of them."""
        look = self.palette
        points = max(self.width - _NAME - _VALUE - 6, 0)
        rows: list[tuple[object, list[Piece]]] = []
        for gauge in gauges(view, self, points):
            drawn = spark(gauge, max(tall - 1, 1))
            for y in range(tall):
                named = y == max(tall - 2, 0)
                head: list[Piece] = [(" " * (_NAME + _VALUE + 4), look.text)]
                if named:
                    head = [
                        (f"  {gauge.name:<{_NAME}}", look.dim),
                        (f"{gauge.value:>{_VALUE}}  ", look.bold),
                    ]
                line = drawn[y] if y < len(drawn) else ""
                rows.append(((gauge, y, tall), [*head, (line, gauge.style)]))
        return rows

    def _latencies(self, view: View) -> list[tuple[object, list[Piece]]]:
        look = self.palette
        wide = self.width >= 46
        heads = ["p50", "p95", "p99", "max"] if wide else ["p50", "p95", "max"]
        rows: list[tuple[object, list[Piece]]] = []
        title = f"  {'latency':<{_NAME}}" + "".join(f"{head:>{_VALUE - 1}}" for head in heads)
        rows.append((title, [(title, look.dim)]))
        stats = view.statistics
        for name, latency in (("service", stats.service), ("response", stats.response)):
            values = [getattr(latency, head) for head in heads]
            text = "".join(f"{write.duration(value):>{_VALUE - 1}}" for value in values)
            if name == "response" and stats.response_note:
                rows.append((NO_RESPONSE, [(f"  {name:<{_NAME}}", look.dim), (NO_RESPONSE, look.dim)]))
                continue
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
            ("dropped", view.dropped),
        ):
            if second:
                second.append(("  ", look.dim))
            style = look.marks["warning"] if count else look.dim
            second += [(f"{name} ", look.dim), (f"{count:,}", style)]
        second.insert(0, ("  ", look.dim))
        return [(tuple(first), first), (tuple(second), second)]

    def _knobs(self, view: View, y: int) -> int:
        look = self.palette
        self._clicks = {}
        if y + 2 >= self.height or not (view.knobs or sends(view.choice.selection)):
            return y
        if self.fresh(y, "blank"):
            self.put(y, strip([], self.width, look.text))
        y += 1
        if self.fresh(y, "knobs"):
            self.put(y, title_strip(self.width, look, "Knobs"))
        y += 1
        rows: list[tuple[str, str, str, float | None, bool]] = [
            (control.name, control.text, control.span, control.share, control.picked)
            for control in view.knobs
        ]
        rows.append((*view.load, "- +", None, False))
        actions = [f"turn_at({number}, " for number in range(len(view.knobs))] + ["users("]
        for (name, text, span, place, picked), action in zip(rows, actions, strict=True):
            if y >= self.height:
                break
            key = (name, text, span, place, picked)
            if self.fresh(y, key):
                self.put(y, text_strip(self._knob(name, text, span, place, picked), self.width, look.text))
            self._clicks[y] = action
            y += 1
        return y

    def _knob(self, name: str, text: str, span: str, share: float | None, picked: bool) -> list[Piece]:
        look = self.palette
        head: list[Piece] = [
            ("▸ " if picked else "  ", look.accent),
            (f"{_short(name):<{_NAME}}", look.bold if picked else look.dim),
            (f"{text:>{_VALUE}}  ", look.bold),
        ]
        if share is None:
            return [*head, (span, look.accent)]
        room = self.width - _NAME - _VALUE - 4 - 5
        if room >= len(span) + 12:
            room -= len(span) + 1
        else:
            span = ""
        if room < 4:
            return head
        place = min(round(share * (room - 1)), room - 1)
        return [
            *head,
            ("< ", look.accent if picked else look.rule),
            ("━" * place, look.accent),
            ("●", look.accent),
            ("─" * (room - 1 - place), look.rule),
            (" >", look.accent if picked else look.rule),
            (f" {span}" if span else "", look.dim),
        ]

    def wheel_at(self, x: int, y: int, step: int) -> str | None:
        """Turn the knob under the mouse."""
        action = self._clicks.get(y)
        return f"{action}{step})" if action is not None else None

    def action_at(self, x: int, y: int) -> str | None:
        """Turn a knob down by a click on its left half, up by one on its right half."""
        action = self._clicks.get(y)
        if action is None:
            return None
        step = 1 if x >= _NAME + _VALUE + 4 + columns(self.width - _NAME - _VALUE) // 3 else -1
        return f"{action}{step})"


def _count(value: int | None) -> str:
    return write.NOTHING if value is None else f"{value:,}"


def _short(name: str) -> str:
    """Cut a name; kinds of requests begin alike, so that the end of theirs is kept."""
    if len(name) <= _NAME or not name.startswith(MIX):
        return name[:_NAME]
    kind = name.removeprefix(MIX)
    return kind if len(kind) <= _NAME else f"…{kind[1 - _NAME :]}"
