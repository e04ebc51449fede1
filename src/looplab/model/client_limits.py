"""Whether the client is the limit: one that cannot keep up measures itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from looplab.wire.clock import MS

if TYPE_CHECKING:
    from looplab.model.model import Model

CPU_SHARE = 0.85
"""A client that uses more of its one core has no time left to note an answer when it comes."""

LATE_NS = 5 * MS
"""A client whose loop is later than this at p99 writes its own lateness into the latencies."""

SCHEDULE_SHARE = 0.1
"""Arrivals that are later than this share of the median service latency are no longer the plan's."""

SCHEDULE_NS = 2 * MS
"""Less than this is no lateness: the timers of both event loops count in milliseconds, and one that is due
waits for what runs before it."""

CAPPED_SHARE = 0.01
"""With more arrivals left out than this, the server was spared what it should have borne."""

DELAY_SHARE = 0.05
"""A client that is late by less on the mean, as a share of the mean latency, changes nothing that it
measures: five milliseconds are much of one millisecond and nothing of a second."""

SERVER_SHARE = 0.8
"""A resource of the server that is used for more of the time is the limit, however late the client is."""

LOOP_SHARE = 0.5
"""So is a loop that runs of requests hold for more than this: around each run is work of the server that no
run shows. A trivial route at full speed measured 0.57 to 0.81."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One reason for which the figures are those of the client."""

    kind: str
    """`cpu`, `lag`, `schedule` or `cap`."""
    text: str
    """What the client does, as the rest of a sentence that begins with it."""


def client_limits(model: Model, now_ns: int) -> list[Limit]:
    """Say why the client is the limit of what is measured, the plainest reason first; empty if it is not."""
    found = []
    cpu = model.client.cpu_share
    if cpu is not None and cpu > CPU_SHARE:
        found.append(Limit("cpu", f"uses {cpu:.0%} of its core"))
    figures = model.statistics()
    capped_share = figures.capped / figures.scheduled if figures.scheduled else 0.0
    if capped_share > CAPPED_SHARE:
        found.append(Limit("cap", f"left out {capped_share:.0%} of the arrivals: too many were in flight"))
    late, usual = figures.lateness.p99, figures.service.p50
    if (
        late is not None
        and usual is not None
        and late > max(SCHEDULE_SHARE * usual, SCHEDULE_NS / MS)
        and not _is_nothing(figures.lateness_mean_ms, figures.response_mean_ms)
    ):
        found.append(Limit("schedule", f"sends {late:.1f} ms late at p99, of a median of {usual:.1f} ms"))
    lag = model.client.lag_p99_ns
    if lag is not None and lag > LATE_NS and not lag_is_nothing(model) and not server_is_limit(model, now_ns):
        found.append(Limit("lag", f"is {lag / MS:.0f} ms late at p99"))
    return found


def lag_is_nothing(model: Model) -> bool:
    """Tell whether the lag of the client's loop is nothing beside the latencies."""
    return _is_nothing(model.client.mean_lag_ns / MS, model.statistics().service_mean_ms)


def _is_nothing(late_ms: float | None, latency_ms: float | None) -> bool:
    return late_ms is not None and latency_ms is not None and late_ms < DELAY_SHARE * latency_ms


def server_is_limit(model: Model, now_ns: int) -> bool:
    """Tell whether a loop or a pool of the server is used for nearly all of the time."""
    if any((worker.loop.busy_in_run(now_ns) or 0.0) >= LOOP_SHARE for worker in model.workers):
        return True
    ceiling = model.ceiling(now_ns)
    return ceiling is not None and any(
        resource.name != "users" and resource.utilisation >= SERVER_SHARE for resource in ceiling.resources
    )
