"""Names, units and words of the metrics.

Those of database pools are OpenTelemetry's semantic conventions, as are the `code.*` attributes. It has no
names for event loops of Python, their stalls, and thread slots: these begin with `looplab.`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Instrument = Literal["gauge", "counter", "updown", "histogram"]


class Metric(NamedTuple):
    """One metric."""

    name: str
    instrument: Instrument
    unit: str
    text: str


LAG = Metric("looplab.event_loop.lag", "gauge", "s", "How late the heartbeat of the event loop is")
LAG_MAX = Metric(
    "looplab.event_loop.lag.max", "gauge", "s", "The largest lag of the event loop since the export before"
)
UTILIZATION = Metric(
    "looplab.event_loop.utilization",
    "gauge",
    "1",
    "Share of the last second in which a run held the event loop",
)
BUSY = Metric("looplab.event_loop.busy.time", "counter", "s", "Time in which a run held the event loop")
STALLS = Metric("looplab.event_loop.stalls", "counter", "{stall}", "Runs of 50 ms and more, by place")
STALL_TIME = Metric("looplab.event_loop.stall.time", "counter", "s", "Time that stalls lasted, by place")
STALL_PRESENT = Metric(
    "looplab.event_loop.stall.present", "gauge", "s", "How long the stall has lasted that holds the loop now"
)
REQUESTS = Metric("looplab.requests", "updown", "{request}", "Requests that the workers have, by phase")
SLOTS_LIMIT = Metric("looplab.slots.limit", "updown", "{slot}", "Slots of a pool of threads or processes")
SLOTS = Metric("looplab.slots.count", "updown", "{slot}", "Slots by state: busy, idle_held or free")
SLOTS_PENDING = Metric(
    "looplab.slots.pending_requests", "updown", "{request}", "Requests that wait for a slot of a pool"
)
SLOTS_WAIT = Metric("looplab.slots.wait_time", "histogram", "s", "Time from asking for a slot to having it")
SLOTS_HOLD = Metric("looplab.slots.use_time", "histogram", "s", "Time for which a slot was held")
CONNECTIONS_MAX = Metric(
    "db.client.connection.max", "updown", "{connection}", "The maximum number of open connections allowed"
)
CONNECTIONS = Metric(
    "db.client.connection.count", "updown", "{connection}", "The number of connections by state: used or idle"
)
CONNECTIONS_PENDING = Metric(
    "db.client.connection.pending_requests", "updown", "{request}", "Requests that wait for a connection"
)
CONNECTIONS_WAIT = Metric(
    "db.client.connection.wait_time",
    "histogram",
    "s",
    "The time it took to obtain a connection from the pool",
)
CONNECTIONS_USE = Metric(
    "db.client.connection.use_time",
    "histogram",
    "s",
    "The time between borrowing a connection and giving it back",
)
COLLECTION_TIME = Metric(
    "looplab.gc.time", "counter", "s", "Time of garbage collections of a millisecond and more"
)
WORKERS = Metric("looplab.workers", "updown", "{worker}", "Worker processes that are connected")
PROBE_CPU = Metric(
    "looplab.probe.cpu.time", "counter", "s", "CPU time of the probe's own threads in a worker"
)
PROBE_DROPPED = Metric(
    "looplab.probe.dropped_events", "counter", "{event}", "Events that the probe had to drop"
)

OBSERVED = (
    LAG,
    LAG_MAX,
    UTILIZATION,
    BUSY,
    STALLS,
    STALL_TIME,
    STALL_PRESENT,
    REQUESTS,
    SLOTS_LIMIT,
    SLOTS,
    SLOTS_PENDING,
    CONNECTIONS_MAX,
    CONNECTIONS,
    CONNECTIONS_PENDING,
    COLLECTION_TIME,
    WORKERS,
    PROBE_CPU,
    PROBE_DROPPED,
)
"""Read by the exporter when it exports."""

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Bounds of the buckets of times: those of the SDK are for milliseconds."""

RECORDED = (SLOTS_WAIT, SLOTS_HOLD, CONNECTIONS_WAIT, CONNECTIONS_USE)
"""Histograms, which are written as the samples become known."""

WORKER = "looplab.worker"
HOST = "host.name"
KIND = "looplab.stall.kind"
FILE, LINE, FUNCTION = "code.file.path", "code.line.number", "code.function.name"
PHASE = "looplab.request.phase"
POOL, POOL_KIND, SLOT_STATE = "looplab.pool.name", "looplab.pool.kind", "looplab.slot.state"
DB_POOL, DB_STATE = "db.client.connection.pool.name", "db.client.connection.state"
GENERATION = "cpython.gc.generation"
