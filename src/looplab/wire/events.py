"""The events: everything that a screen, a report or a test can ever know.

Each struct travels as a msgpack array whose first item is its tag, so a batch of a hundred costs
about 0.3 µs an event to write and read. Fields are only ever added at the end, with a default.

Times are `time.monotonic_ns()` of the machine, one clock for all its processes; 0 means "not yet"
or "does not apply". Durations are nanoseconds too and end in `_ns`.

Two rules keep the picture true when events are lost:

* An event carries whole intervals or the whole present state, never a lone edge.
* Counters are totals, never increments: since the sender started, or, in `TrafficState`, since the
  present burst or plan did.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Literal, NamedTuple

import msgspec

PROTOCOL = 1
"""Version of these events. A reader refuses a hello with any other number."""


class Phase(IntEnum):
    """Where a request is. It is in exactly one phase at any moment; docs/architecture.md defines them."""

    QUEUED = 1
    RUNNING = 2
    BLOCKING = 3
    AWAITING = 4
    THREAD_WAIT = 5
    THREAD = 6
    POOL_WAIT = 7
    QUERY = 8
    READY = 9
    SENDING = 10


class Hello(msgspec.Struct, array_like=True, tag=0, frozen=True):
    """First event of a connection: who speaks, and which instruments it has."""

    protocol: int
    run: int
    """Number of the run that this process belongs to; a lab counts its runs from 1."""
    role: Literal["server", "traffic"]
    worker: int
    """Worker number from 0 within its server; a replaced worker takes the number of its predecessor. Of a
    traffic process the number of the generator."""
    pid: int
    python: str
    loop: str
    """`asyncio` or `uvloop`; empty where there is no event loop."""
    instruments: list[str]
    """What this process can tell: `requests`, `loop`, `stalls`, `threads`, … A phase whose instrument
    is missing does not occur."""
    monotonic_ns: int
    """Clock anchor: this reading of the monotonic clock …"""
    wall_ns: int
    """… and this one of the wall clock were taken together."""


class ServerRequest(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """A request as the probe sees it: sent while it is open whenever it changed, and once when it ends.

    The first phase begins at the probe's entry. `queued` is not among the phases: it is the time from
    the client's send to `began_ns`, which only the model can join.
    """

    rid: int
    """Number of the request within its worker process."""
    client: int
    """Number that the traffic client gave it (`x-looplab-id`), or 0 for a foreign client."""
    method: str
    path: str
    began_ns: int
    first: int
    """Index of the first of `phases` among all phase changes of this request; the ones before were
    sent earlier. A reader that misses some has lost an event."""
    phases: list[tuple[int, int]]
    """Phase changes `(Phase, since_ns)` in time order. The last one holds until `ended_ns`, or still."""
    ended_ns: int
    """When the application returned, or 0 while the request is open."""
    status: int
    """HTTP status that the application sent, or 0 before that."""
    slot: int = -1
    """Thread slot that it holds or held last, or -1."""


class OpenRequests(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """All requests open in a worker at `t_ns`: what is not listed, and began before, has ended."""

    t_ns: int
    rids: list[int]


class ClientRequest(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """A request as the traffic client sees it: sent once it is open, again when it is done."""

    client: int
    """Number of the request, unique within the run; sent to the server as `x-looplab-id`."""
    user: int
    """Number of the user (closed model) from 0."""
    name: int
    """Index into the mix of requests."""
    scheduled_ns: int
    """When the plan wanted it to be sent. In a closed model this is when the user was ready."""
    sent_ns: int
    first_byte_ns: int
    done_ns: int
    status: int
    error: str
    """Empty, or a kind of `TrafficState.errors`."""
    connection: int = 0
    """Number of the connection that carries it, from 1 within its traffic process; 0 before it is sent."""


class LoopSample(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """The event loop of a worker at `t_ns`. Sent by a thread, so also while the loop is blocked."""

    t_ns: int
    lag_ns: int
    """How late the heartbeat is now: `t_ns` minus the time at which it was due, or 0."""
    max_lag_ns: int
    """The largest lag since the sample before."""
    busy_ns: int
    """Total time in which a run held the loop, the present run included."""
    runs: int
    """Total number of runs."""
    rid: int
    """Request whose run holds the loop now: 0 none, -1 a callback that belongs to no request."""
    since_ns: int
    """When that run began."""
    thread_cpu_ns: int = 0
    """Total CPU time of the loop's thread; 0 where the system does not tell it."""
    cpu_ns: int = 0
    """Total CPU time of the process, with all its threads; 0 if unknown."""
    lacked_ns: int = 0
    """Total time in which the loop's thread was ready to run and had no CPU; 0 where that is not told."""


class Run(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """One uninterrupted hold of the loop that belongs to no request, of at least a millisecond."""

    began_ns: int
    ended_ns: int


class Stall(msgspec.Struct, array_like=True, tag=6, frozen=True):
    """A run of 50 ms or more, reported while it lasts and again, with its true length, when it ends."""

    number: int
    """Number of the stall within its worker, from 1; later reports replace earlier ones. Below 0 if the lab
    made it, because the worker is silent: the worker's own report about the same time replaces it. One
    that ends when it began was none."""
    began_ns: int
    t_ns: int
    """When this report was made."""
    ended_ns: int
    """0 while it lasts."""
    kind: Literal["blocked", "gil", "gc", "starved"]
    rid: int
    """Request that holds the loop, -1 for a callback, 0 if the lab made it and cannot know."""
    file: str
    """Absolute path of the user's code; empty if no frame of it was seen."""
    line: int
    function: str
    source: str
    """Source text of that line, stripped."""
    stack: list[tuple[str, int, str]]
    """`(file, line, function)`, outermost first, at most 32 frames, without those of the loop itself."""
    samples: int
    """How often this place was seen on the stack while the stall lasted."""
    detail: str = ""
    """`sleep`, `lock`, `io` or `cpu` of a `blocked` one; `generation 2` of a `gc` one; `at release` of a
    `gil` one whose place was first seen when the GIL was free again; `stopped` of a `starved` one whose
    process was stopped by a signal. Empty if unknown."""


SlotKind = Literal["threads", "executor", "processes", "connections", "gthread"]
"""`threads`: a limiter of anyio. `executor`: the default executor of the loop. `processes`: a process
pool. `connections`: a database pool. `gthread`: the thread pool of a gunicorn worker."""


class Slots(msgspec.Struct, array_like=True, tag=7, frozen=True):
    """A set of slots (thread slots, later database connections) of a worker at `t_ns`."""

    t_ns: int
    pool: str
    """`threadpool` for anyio's default limiter."""
    total: int
    held: int
    """Slots that are given out."""
    busy: int
    """Slots whose thread does work. Fewer than `held` when the loop is too busy to take slots back."""
    waiting: int
    holders: list[tuple[int, int, int]]
    """`(slot, rid, since_ns)` for each slot in use; slots are numbered from 0."""
    queue: list[int]
    """Requests that wait, the next one first; at most 64."""
    kind: SlotKind = "threads"
    connecting: int = 0
    """Of a connection pool: slots whose connection is being opened. They are held, and not in use."""
    idle: int = 0
    """Of a connection pool: connections that are open and free."""


class SlotUse(msgspec.Struct, array_like=True, tag=8, frozen=True):
    """One use of a slot, sent when it ends."""

    pool: str
    slot: int
    rid: int
    """Request, or -1 for work that belongs to none."""
    requested_ns: int
    taken_ns: int
    finished_ns: int
    """The work in the slot ended."""
    released_ns: int
    """The slot was given back, which happens on the loop and so may be much later."""


class ProbeReport(msgspec.Struct, array_like=True, tag=9, frozen=True):
    """What the sender says of itself. Totals since its start."""

    t_ns: int
    events: int
    dropped: int
    """Events that did not fit into a buffer and are lost."""
    cpu_ns: int
    """CPU time of the sender's own threads."""
    requests: int
    """Requests begun (server) or sent (traffic)."""
    finished: int
    """Requests ended (server) or done, errors included (traffic)."""


class Notice(msgspec.Struct, array_like=True, tag=10, frozen=True):
    """One line for the log panel, from a process of the lab or from the output of a server."""

    t_ns: int
    source: str
    """`server` (`server 2` is the second instance), `traffic`, `probe`, `lab`."""
    level: Literal["info", "warning", "error"]
    text: str


class Histogram(msgspec.Struct, array_like=True, frozen=True):
    """Latencies counted in the log-linear buckets of `wire.buckets`."""

    counts: dict[int, int]
    """Bucket number to count."""
    sum_ns: int
    max_ns: int


NO_LATENCIES = Histogram(counts={}, sum_ns=0, max_ns=0)
"""A histogram of nothing."""


class TrafficState(msgspec.Struct, array_like=True, tag=11, frozen=True):
    """The traffic at `t_ns`: exact totals, also when single requests were dropped on the way.

    They are those of the burst, plan or phase that runs now or ran last: another `started_ns` begins at
    zero. Several generators of a run each tell their own; totals and histograms of the same phase add up.
    """

    t_ns: int
    executor: str
    running: bool
    """False before the start and after the end."""
    started_ns: int
    ended_ns: int
    """When the last request was done or the time was up; 0 while it runs. Set while it is `running`, this
    phase is over and its totals are final: another phase follows."""
    users: int
    """Users now (closed model), 0 in an open one."""
    in_flight: int
    scheduled: int
    sent: int
    ok: int
    errors: dict[str, int]
    """`timeout`, `refused`, `reset`, `status`, `protocol`: requests that failed, by kind."""
    never_sent: int
    """Requests of the plan that were not sent when the time was up."""
    unfinished: int
    """Requests sent, and without an answer when the time was up."""
    service: Histogram
    """Latency sent → done of the requests that are ok; of WebSockets, of what is said over them."""
    response: Histogram
    """Latency scheduled → done of the requests that are ok."""
    cpu_ns: int
    """CPU time of the traffic process."""
    max_lag_ns: int
    """The largest lag of its own loop since the state before."""
    phase: int = 0
    """Number of the phase from 0; a warm-up is a phase of its own."""
    phase_name: str = ""
    warmup: bool = False
    """Whether this phase is a warm-up, which is left out of the results."""
    rate: float = 0
    """Arrivals a second that are wanted now (open model), 0 in a closed one."""
    capped: int = 0
    """Arrivals that were never sent because too many were in flight; part of `never_sent`."""
    lateness: Histogram = NO_LATENCIES
    """How late the generator took each arrival from its schedule (open model). It is the generator's own
    fault: the time that an arrival then waits for a connection is not in it."""
    first_byte: Histogram = NO_LATENCIES
    """Latency sent → first byte of the body of answers with an expected status (streams), or sent → handshake
    done (WebSockets)."""
    gap: Histogram = NO_LATENCIES
    """Time between two chunks of an answer (streams)."""
    connections: int = 0
    """Connections open now."""
    messages_sent: int = 0
    """Of WebSockets."""
    messages_received: int = 0
    generator: int = 0
    """Number of the traffic process from 0."""
    generators: int = 1
    """Traffic processes of the run, side by side."""
    waiting: int = 0
    """Arrivals that wait for a free connection now (open model); not yet sent."""


class RunStarted(msgspec.Struct, array_like=True, tag=12, frozen=True):
    """A run begins: what is run. All that came before belongs to another run."""

    t_ns: int
    run: int
    scenario: str
    variant: str
    title: str
    """What the screen calls the variant."""
    knobs: dict[str, float]
    server: str
    """`uvicorn`, …"""
    workers: int
    users: int
    """Rows to expect: concurrency of a burst, users of a constant plan."""
    source: str
    """Absolute path of the file whose code the code panel shows; empty if there is none."""
    shows: str
    """Function that the code panel shows."""
    warm: bool = False
    """True if the server of the run before goes on."""
    first_id: int = 1
    """Number of the first request that its traffic sends: people count from there."""
    names: list[str] = []
    """Names of the requests of the mix: `ClientRequest.name` is an index into them."""
    instances: int = 1
    """Servers that the traffic is balanced over; their workers are numbered in turn."""


class ServerState(msgspec.Struct, array_like=True, tag=13, frozen=True):
    """What the lab knows of the server process."""

    t_ns: int
    state: Literal["starting", "ready", "failed", "stopped"]
    address: str
    """`127.0.0.1:41873` once it is known; further instances follow by their ports, `,41875`."""
    pid: int
    reason: str
    """Why it failed, in one sentence; empty otherwise."""
    log: list[str]
    """The last lines of its output, if it failed."""


class Bye(msgspec.Struct, array_like=True, tag=14, frozen=True):
    """Last event of a connection that ends in good order; the receiver adds one where it is missing."""

    t_ns: int
    clean: bool
    """False if the connection broke off: the process died or was killed."""


class Collection(msgspec.Struct, array_like=True, tag=15, frozen=True):
    """A garbage collection of at least a millisecond; all of the process stands still meanwhile."""

    began_ns: int
    ended_ns: int
    generation: int
    collected: int
    """Objects that it freed."""


class Connections(msgspec.Struct, array_like=True, tag=16, frozen=True):
    """The client connections of a worker at `t_ns`."""

    t_ns: int
    open: int
    """Connections that the server has accepted and not closed."""
    limit: int
    """Connections that it accepts at most, or 0 where it has no limit."""
    parked: int
    """Of these, connections that wait for the next request of their client, where the server tells."""


class Backlog(msgspec.Struct, array_like=True, tag=17, frozen=True):
    """The listening socket at `t_ns`, read by the lab from the kernel (Linux)."""

    t_ns: int
    waiting: int
    """Connections that the kernel has accepted and no worker has taken."""
    limit: int


class Monitor(msgspec.Struct, array_like=True, tag=18, frozen=True):
    """aiomonitor in a worker: the answer to `StartMonitor` and `StopMonitor`."""

    t_ns: int
    running: bool
    port: int
    """Port of its terminal on 127.0.0.1, 0 while it does not run."""
    web_port: int
    console_port: int
    """Port of its Python console, 0 without one."""
    reason: str
    """Why it does not run; empty if it was not asked for."""


class TaskRow(msgspec.Struct, array_like=True, frozen=True):
    """A task that is not done."""

    id: int
    """`id()` of the task in its process; only together with the name it means one task for sure."""
    name: str
    coroutine: str
    """Qualified name of its coroutine."""
    state: Literal["running", "ready", "waiting"]
    """`running` holds the loop now, `ready` will be resumed in the next turn, `waiting` awaits something."""
    since_ns: int
    """When it was made, or 0 if that was before anybody watched."""
    file: str
    """Absolute path of the code where it awaits, or runs: the deepest frame of the user's code, or, if
    there is none, the deepest frame; empty if it has no frame."""
    line: int
    function: str
    users: bool
    """Whether that place is the user's code."""
    awaits: str
    """What is called there: the function of its deepest frame, or the type that it awaits; may be empty."""
    rid: int
    """Request that it belongs to, or 0."""


class TaskEnd(msgspec.Struct, array_like=True, frozen=True):
    """A task that is done."""

    id: int
    name: str
    coroutine: str
    since_ns: int
    ended_ns: int
    outcome: str
    """`returned`, `cancelled`, or the exception that it raised."""
    rid: int


class Tasks(msgspec.Struct, array_like=True, tag=19, frozen=True):
    """The tasks of a worker's loop at `t_ns`, told only while aiomonitor runs there."""

    t_ns: int
    total: int
    """Tasks that are not done, the ones that are not listed included."""
    live: list[TaskRow]
    """The user's code first, then the oldest first; at most 500."""
    ended: list[TaskEnd]
    """The tasks that ended last since aiomonitor runs, the latest first; at most 100."""


class TaskStacks(msgspec.Struct, array_like=True, tag=20, frozen=True):
    """The stacks of one task: the answer to `DescribeTask`."""

    t_ns: int
    id: int
    name: str
    found: bool
    """False if there is no such task any more."""
    stacks: list[tuple[str, list[tuple[str, int, str, str]]]]
    """For each stack a heading and its frames `(file, line, function, source)`, outermost first."""


class TrafficFailed(msgspec.Struct, array_like=True, tag=21, frozen=True):
    """The lab's word that the traffic process has ended in disorder: nothing more is sent."""

    t_ns: int
    reason: str
    """In one sentence: its last complaint, or how it ended."""


class Turned(msgspec.Struct, array_like=True, tag=22, frozen=True):
    """A control was turned: told by the lab when it passes the order on."""

    t_ns: int
    what: str
    """`users`, `rate`, `think`, `mix`, `knob`, `start`, `stop` or `burst`."""
    value: float
    """The new value; 0 where there is no single one."""
    text: str
    """What a person reads: `users 100 → 200`."""


class Use(NamedTuple):
    """Which phases a hop means: while its request waits for the slot, and while it holds the slot."""

    waits: Phase
    works: Phase
    blocks: bool = False
    """Whether the thread that asks stands still while it waits."""


THREAD = Use(Phase.THREAD_WAIT, Phase.THREAD)
"""A slot of any thread pool or process pool."""


class ThreadHop(msgspec.Struct, array_like=True, gc=False, eq=False):
    """One use of a thread slot, as the threads that take part in it stamp it; 0 or -1 before that."""

    use: ClassVar[Use] = THREAD

    requested_ns: int
    taken_ns: int = 0
    finished_ns: int = 0
    released_ns: int = 0
    slot: int = -1
    apart: bool = False
    """Whether its use is told by an event of its own."""


class Served(msgspec.Struct, array_like=True, tag=23, gc=False):
    """A request that was over before anybody was told of it: most are, on a healthy server.

    It is sent as the probe's threads wrote it down, so that nothing of what follows from it is worked
    out in the application's process. The receiver does that, and hands on the `ServerRequest` and each
    `SlotUse` that it means: who reads a batch never meets a `Served`.
    """

    rid: int
    client: int
    method: str
    path: str
    began_ns: int
    ended_ns: int = 0
    status: int = 0
    runs: list[tuple[int, int, int]] | None = None
    """`(began_ns, ended_ns, status)` of its runs but the last, without the short ones between them, and
    with the status that it had sent by then; None if it had one run."""
    hops: list[ThreadHop] | None = None
    """Its uses of slots of the pool `threadpool`; None if there were none."""


Event = (
    Hello
    | ServerRequest
    | OpenRequests
    | ClientRequest
    | LoopSample
    | Run
    | Stall
    | Slots
    | SlotUse
    | ProbeReport
    | Notice
    | TrafficState
    | RunStarted
    | ServerState
    | Bye
    | Collection
    | Connections
    | Backlog
    | Monitor
    | Tasks
    | TaskStacks
    | TrafficFailed
    | Turned
    | Served
)
"""Any event."""


class Batch(msgspec.Struct, frozen=True):
    """Events of one connection in the order in which it sent them: what the inbox holds."""

    source: int
    """Number of the connection, from 1, never reused in a lab; 0 is the lab itself."""
    received_ns: int
    events: list[Event]


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[list[Event]] = msgspec.msgpack.Decoder(list[Event])


def encode(events: list[Event]) -> bytes:
    """Write a batch as one msgpack array. Needs no lock: an encoder keeps no state between calls."""
    return _encoder.encode(events)


def decode(payload: bytes | bytearray | memoryview) -> list[Event]:
    """Read and validate a batch.

    Raises:
        msgspec.DecodeError: the bytes are not msgpack, or not these events (`ValidationError`).
    """
    return _decoder.decode(payload)
