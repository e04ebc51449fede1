"""What a verdict is, what finds one, and what several lints need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from looplab.model import words
from looplab.wire.clock import MS, S

if TYPE_CHECKING:
    from looplab.model.loop import LoopLane
    from looplab.model.model import Model
    from looplab.model.stalls import Place
    from looplab.model.workers import Worker

Severity = Literal["error", "warning", "ok", "info"]

TEXT_COLUMNS = 70
"""A headline is kept within this: it must fit beside nothing on 80 columns."""

HOLD_NS = 250 * MS
"""What was so until this moment ago is still said in the present tense: the next stall in a row of them is
known 100 ms after its beginning, and a headline that flickers cannot be read."""

HELD_SHARE = 0.02
"""From this share of the time on, stalls that are over are worth a sentence: a rare one is no illness."""

BUSY_SHARE = 0.9
"""A loop held for more of the time has none left: by the laws of queues, waiting at 90 % is nine times the
service, and grows without bound from there."""

SHORTEST_NS = S
"""A shorter run, or one that has just begun, has no rates that mean anything."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing to say."""

    id: str
    severity: Severity
    text: str
    """The headline: a sentence with numbers, at most `TEXT_COLUMNS` long."""
    detail: str = ""
    """A second line, or empty."""
    fragment: str = ""
    """The same in a few words, for a narrow place."""
    more: tuple[str, ...] = ()
    """Further sentences, for who asks: the rule, and what helps."""
    limits: bool = False
    """Whether it is about what limits the throughput, so that the ceiling belongs beside it."""


class Lint(Protocol):
    """A thing to look for."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Look at the model; None if there is nothing to say."""


def run_length_ns(model: Model, now_ns: int) -> int:
    """Give how long the traffic has run, or ran; at least one nanosecond."""
    return max((model.ended_ns or now_ns) - model.started_ns, 1)


def left_behind(model: Model) -> str:
    """Say that the server still works on what a run that is over has abandoned; empty if it does not."""
    if not model.finished:
        return ""
    count = model.statistics().unfinished
    if not count or not any(
        worker.source is not None and worker.alive and (worker.source.open or worker.loop.present_stall)
        for worker in model.workers
    ):
        return ""
    if count == 1:
        return "1 request was abandoned by its client; the server still works on it"
    return f"{count:,} requests were abandoned by their clients; the server still works on them"


def culprit(model: Model, place: Place) -> str:
    """Name a place and its function."""
    where = words.where(place, model.run.source if model.run else "")
    return f"{where} {place.function}" if where else "unseen code"


def stalled_since(loop: LoopLane, from_ns: int) -> bool:
    """Tell whether a stall of this loop lasts, or lasted after `from_ns`."""
    stalls = loop.stalls
    return stalls.present is not None or (stalls.last is not None and stalls.last.ended_ns > from_ns)


def busy_share(model: Model, worker: Worker, now_ns: int) -> float:
    """Give the share of the last second, or of the run when it is over, for which its loop is held."""
    busy = worker.loop.busy_in_run(now_ns) if model.finished else worker.loop.busy(now_ns)
    return busy or 0.0


def usual_lag_ns(loop: LoopLane, now_ns: int) -> int:
    """Give the median of the largest lags of each 100 ms of the last second: one late beat is no habit."""
    lags = sorted(loop.lag_series.values(now_ns - S, now_ns))
    return lags[len(lags) // 2] if lags else 0
