"""Event streams of the four variants of `one-keyword`, of a healthy server, of one whose pool of connections
is too small, and of one whose code keeps the GIL, as real runs would give them.

A small simulation of one worker: an event loop that runs one step at a time, a pool of slots, and users who
send their next request when they have the answer. What it does is then told in batches of 25 ms, by the
rules of `looplab.wire.events`: whole states and intervals, open things repeated. Nothing is random, and all
times are absolute, from 0: the traffic starts at `START_NS`.

    for batch in stream("async-blocking", until_ns=START_NS + 2 * S):
        model.apply(batch)
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from looplab.wire.buckets import bucket
from looplab.wire.clock import MS, S
from looplab.wire.events import (
    PROTOCOL,
    Batch,
    Bye,
    ClientRequest,
    Event,
    Hello,
    Histogram,
    LoopSample,
    OpenRequests,
    Phase,
    ProbeReport,
    RunStarted,
    ServerRequest,
    ServerState,
    Slots,
    SlotUse,
    Stall,
    TrafficState,
)

US = 1_000
START_NS = 500 * MS
"""When the traffic starts."""
TICK_NS = 25 * MS
"""Time between two batches of a process."""
STALL_NS = 50 * MS
HEARTBEAT_NS = 10 * MS
SERVER, TRAFFIC = 1, 2
"""Source numbers of the two connections."""
TOTAL_SLOTS = 40

Step = tuple[str, int]
"""`("run", ns)` holds the loop, `("sleep", ns)` awaits, `("slot", ns)` works in a slot of the pool."""


@dataclass
class Pool:
    """The slots of a worker."""

    name: str = "threadpool"
    kind: Literal["threads", "connections", "upstream"] = "threads"
    total: int = TOTAL_SLOTS
    waiting: Phase = Phase.THREAD_WAIT
    working: Phase = Phase.THREAD
    done: Phase = Phase.AWAITING


CONNECTIONS = Pool("asyncpg", "connections", 5, Phase.POOL_WAIT, Phase.QUERY, Phase.READY)
CALLS = Pool("upstream 127.0.0.1:8001", "upstream", 10, Phase.POOL_WAIT, Phase.AWAITING, Phase.READY)


@dataclass
class Shape:
    """What a route does, and how its code is called."""

    steps: list[Step]
    title: str
    function: str
    line: int = 0
    source: str = ""
    pool: Pool = field(default_factory=Pool)
    stalls: Literal["blocked", "gil"] = "blocked"
    detail: str = "sleep"


def shape(variant: str, delay_ns: int = 100 * MS) -> Shape:
    """Give the steps of a variant."""
    begin, end = ("run", 300 * US), ("run", 200 * US)
    match variant:
        case "def-blocking":
            return Shape([begin, ("slot", 2 * delay_ns), end], "def + time.sleep", "wait_in_a_thread")
        case "async-blocking":
            steps: list[Step] = [("run", 2 * delay_ns + 300 * US)]
            return Shape(
                steps, "async def + time.sleep", "wait_on_the_loop", line=25, source="time.sleep(delay)"
            )
        case "async-await":
            sleep = ("sleep", delay_ns)
            steps = [begin, sleep, ("run", 40 * US), sleep, end]
            return Shape(steps, "async def + await asyncio.sleep", "wait_and_let_go")
        case "async-offload":
            steps = [begin, ("slot", delay_ns), ("run", 60 * US), ("sleep", delay_ns), end]
            return Shape(steps, "async def + run_in_threadpool", "wait_half_in_a_thread")
        case "pool-5":
            return Shape([begin, ("slot", delay_ns), end], "asyncpg, 5 connections", "read", pool=CONNECTIONS)
        case "upstream-10":
            return Shape([begin, ("slot", delay_ns), end], "httpx, 10 connections", "ask", pool=CALLS)
        case "regex":
            return Shape(
                [("run", 9 * delay_ns)],
                "re.match",
                "search",
                line=12,
                source="re.match(bad, text)",
                stalls="gil",
                detail="at release",
            )
        case "hello":
            return Shape([("run", 250 * US)], "async def", "hello")
    raise ValueError(variant)


@dataclass
class Told:
    """One request of the simulation, with the times of all that happens to it."""

    client: int
    user: int
    sent: int
    began: int = 0
    ended: int = 0
    done: int = 0
    slot: int = -1
    phases: list[tuple[int, int]] = field(default_factory=list)
    step: int = 0
    requested: int = 0
    told_phases: int = 0
    told_end: bool = False
    told_open: bool = False
    told_done: bool = False


@dataclass
class Simulation:
    """One worker and its users."""

    steps: list[Step]
    requests: int
    users: int
    end_ns: int
    think_ns: int = 0
    pool: Pool = field(default_factory=Pool)
    all: list[Told] = field(default_factory=list)
    runs: list[tuple[int, int, int]] = field(default_factory=list)
    """`(began, ended, rid)` in time order, `rid` 0 for the heartbeat."""
    uses: list[SlotUse] = field(default_factory=list)
    beats: list[tuple[int, int]] = field(default_factory=list)
    """`(due, done)` of the heartbeat."""
    waits: list[tuple[int, int, int]] = field(default_factory=list)
    """`(requested, taken, rid)` of those that waited for a slot."""

    def __post_init__(self) -> None:
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = 0
        self._ready: deque[tuple[Told | None, int]] = deque()
        self._loop_free = True
        self._free_slots = list(range(self.pool.total))
        self._queue: deque[Told] = deque()
        self._stop_ns = self.end_ns

    def play(self) -> None:
        """Let everything happen."""
        self._at(START_NS, lambda t: self._make_ready(None, t))
        for user in range(self.users):
            self._at(START_NS + user * 20 * US, lambda t, user=user: self._send(user, t))  # type: ignore[misc]
        while self._events:
            t, _, action = heapq.heappop(self._events)
            if t > self.end_ns:
                break
            action(t)
        last = max((told.done for told in self.all), default=START_NS)
        self.stopped_ns = last if not self.open_at(self.end_ns) else self.end_ns

    def open_at(self, t: int) -> list[Told]:
        return [told for told in self.all if told.sent <= t and not 0 < told.done <= t]

    def _at(self, t: int, action: Callable[[int], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (t, self._order, action))

    def _send(self, user: int, t: int) -> None:
        if len(self.all) < self.requests:
            told = Told(len(self.all) + 1, user, t)
            self.all.append(told)
            self._at(t + 150 * US, lambda t: self._make_ready(told, t))

    def _make_ready(self, told: Told | None, t: int) -> None:
        self._ready.append((told, t))
        if self._loop_free:
            self._run_next(t)

    def _run_next(self, t: int) -> None:
        if not self._ready:
            self._loop_free = True
            return
        self._loop_free = False
        told, due = self._ready.popleft()
        if told is None:
            self.beats.append((due, t))
            self._at(t + HEARTBEAT_NS, lambda t: self._make_ready(None, t))
            self._run_next(t)
            return
        told.began = told.began or t
        if told.slot >= 0 and told.step and self.steps[told.step - 1][0] == "slot":
            self._release(told, t)
        length = self.steps[told.step][1]
        told.phases.append((Phase.RUNNING, t))
        if length > STALL_NS:
            told.phases.append((Phase.BLOCKING, t + STALL_NS))
        self.runs.append((t, t + length, told.client))
        told.step += 1
        self._at(t + length, lambda t: self._run_over(told, t))

    def _run_over(self, told: Told, t: int) -> None:
        if told.step == len(self.steps):
            told.ended = t
            told.done = t + 100 * US
            self._at(told.done + self.think_ns, lambda t: self._send(told.user, t))
        else:
            kind, length = self.steps[told.step]
            told.step += 1
            if kind == "sleep":
                told.phases.append((Phase.AWAITING, t))
                self._at(t + length, lambda t: self._make_ready(told, t))
            else:
                told.requested = t
                told.phases.append((self.pool.waiting, t))
                if self._free_slots:
                    self._take(told, t)
                else:
                    self._queue.append(told)
        self._run_next(t)

    def _take(self, told: Told, t: int) -> None:
        told.slot = heapq.heappop(self._free_slots)
        if t > told.requested:
            self.waits.append((told.requested, t, told.client))
        told.phases.append((self.pool.working, t))
        finished = t + self.steps[told.step - 1][1]
        self.uses.append(SlotUse(self.pool.name, told.slot, told.client, told.requested, t, finished, 0))
        self._at(finished, lambda t: self._slot_over(told, t))

    def _slot_over(self, told: Told, t: int) -> None:
        told.phases.append((self.pool.done, t))
        self._make_ready(told, t)

    def _release(self, told: Told, t: int) -> None:
        for index in range(len(self.uses) - 1, -1, -1):
            use = self.uses[index]
            if use.rid == told.client and not use.released_ns:
                self.uses[index] = SlotUse(
                    use.pool, use.slot, use.rid, use.requested_ns, use.taken_ns, use.finished_ns, t
                )
                break
        heapq.heappush(self._free_slots, told.slot)
        if self._queue:
            self._take(self._queue.popleft(), t)


class Teller:
    """Tells a simulation as its two processes would."""

    def __init__(self, simulation: Simulation, route: Shape, executor: str, file: str) -> None:
        self._simulation = simulation
        self._route = route
        self._executor = executor
        self._file = file
        self._run_begins = [run[0] for run in simulation.runs]
        self._busy_before = [0]
        for began, ended, _ in simulation.runs:
            self._busy_before.append(self._busy_before[-1] + ended - began)
        self._stalls = [run for run in simulation.runs if run[1] - run[0] >= STALL_NS]
        self._told_uses = 0
        self._uses = sorted((use for use in simulation.uses if use.released_ns), key=lambda u: u.released_ns)

    def server(self, before: int, t: int) -> list[Event]:
        """Tell what the worker knows at `t` and has not told by `before`."""
        events: list[Event] = []
        for told in self._simulation.all:
            if told.told_end or not told.began or told.began > t:
                continue
            known = bisect_right(told.phases, (t, 0), key=lambda change: (change[1], 0))
            over = bool(told.ended and told.ended <= t)
            if known == told.told_phases and not over:
                continue
            events.append(
                ServerRequest(
                    rid=told.client,
                    client=told.client,
                    method="GET",
                    path="/",
                    began_ns=told.began,
                    first=told.told_phases,
                    phases=[(int(code), since) for code, since in told.phases[told.told_phases : known]],
                    ended_ns=told.ended if over else 0,
                    status=200 if over else 0,
                    slot=told.slot if any(code == Phase.THREAD for code, _ in told.phases[:known]) else -1,
                )
            )
            told.told_phases = known
            told.told_end = over
        while self._told_uses < len(self._uses) and self._uses[self._told_uses].released_ns <= t:
            events.append(self._uses[self._told_uses])
            self._told_uses += 1
        events.extend(self._tell_stalls(before, t))
        events.append(self._sample(before, t))
        if any(step[0] == "slot" for step in self._route.steps):
            events.append(self._slots(t))
        if t // S != before // S:
            begun = sum(0 < told.began <= t for told in self._simulation.all)
            over = sum(0 < told.ended <= t for told in self._simulation.all)
            rids = [d.client for d in self._simulation.all if 0 < d.began <= t and not 0 < d.ended <= t]
            events.append(OpenRequests(t, rids))
            events.append(ProbeReport(t, 40 * begun, 0, 20 * MS * (t // S), begun, over))
        return events

    def _tell_stalls(self, before: int, t: int) -> list[Event]:
        events: list[Event] = []
        for number, (began, ended, rid) in enumerate(self._stalls, 1):
            if began + STALL_NS > t or ended <= before:
                continue
            route = self._route
            over = ended <= t
            events.append(
                Stall(
                    number=number,
                    began_ns=began,
                    t_ns=min(t, ended),
                    ended_ns=ended if over else 0,
                    kind=route.stalls,
                    rid=rid,
                    file=self._file,
                    line=route.line,
                    function=route.function,
                    source=route.source,
                    stack=[(self._file, route.line, route.function)],
                    samples=max((min(t, ended) - began) // (10 * MS), 1),
                    detail=route.detail,
                )
            )
        return events

    def _sample(self, before: int, t: int) -> LoopSample:
        index = bisect_right(self._run_begins, t) - 1
        busy, rid, since = 0, 0, 0
        if index >= 0:
            began, ended, owner = self._simulation.runs[index]
            busy = self._busy_before[index] + min(ended, t) - began
            if ended > t:
                rid, since = owner, began
        beats = self._simulation.beats
        place = bisect_right(beats, t, key=lambda beat: beat[1])
        due = beats[place - 1][1] + HEARTBEAT_NS if place else t
        lag = max(t - due, 0)
        late = max((done - due for due, done in beats[:place] if done > before), default=0)
        return LoopSample(t, lag, max(lag, late), busy, max(index + 1, 0), rid, since)

    def _slots(self, t: int) -> Slots:
        pool = self._route.pool
        held = [u for u in self._simulation.uses if u.taken_ns <= t and not 0 < u.released_ns <= t]
        queue = [rid for requested, taken, rid in self._simulation.waits if requested <= t < taken]
        queue += [
            told.client
            for told in self._simulation.all
            if told.phases and told.phases[-1][0] == pool.waiting and told.phases[-1][1] <= t
        ]
        return Slots(
            t_ns=t,
            pool=pool.name,
            total=pool.total,
            held=len(held),
            busy=sum(use.finished_ns > t for use in held),
            waiting=len(queue),
            holders=sorted((use.slot, use.rid, use.taken_ns) for use in held),
            queue=queue[:64],
            kind=pool.kind,
            idle=pool.total - len(held) if pool.kind == "connections" else 0,
        )

    def traffic(self, before: int, t: int) -> list[Event]:
        """Tell what the traffic process knows at `t` and has not told by `before`."""
        simulation = self._simulation
        events: list[Event] = []
        stopped = simulation.stopped_ns
        for told in simulation.all:
            done = bool(told.done and told.done <= min(t, stopped))
            if told.told_done or told.sent > t or (told.told_open and not done):
                continue
            told.told_open, told.told_done = True, done
            events.append(
                ClientRequest(
                    client=told.client,
                    user=told.user,
                    name=0,
                    scheduled_ns=told.sent,
                    sent_ns=told.sent,
                    first_byte_ns=told.done if done else 0,
                    done_ns=told.done if done else 0,
                    status=200 if done else 0,
                    error="",
                )
            )
        if t // (100 * MS) != before // (100 * MS) or (before < stopped <= t):
            events.append(self.state(t))
        return events

    def state(self, t: int) -> TrafficState:
        """Give the exact totals at a time."""
        simulation = self._simulation
        running = t < simulation.stopped_ns
        at = min(t, simulation.stopped_ns)
        lengths = [told.done - told.sent for told in simulation.all if 0 < told.done <= at]
        sent = sum(told.sent <= at for told in simulation.all)
        counts: dict[int, int] = {}
        for length in lengths:
            counts[bucket(length)] = counts.get(bucket(length), 0) + 1
        histogram = Histogram(counts, sum(lengths), max(lengths, default=0))
        burst = self._executor == "burst"
        return TrafficState(
            t_ns=t,
            executor=self._executor,
            running=running,
            started_ns=START_NS,
            ended_ns=0 if running else simulation.stopped_ns,
            users=simulation.users,
            in_flight=sent - len(lengths) if running else 0,
            scheduled=sent,
            sent=sent,
            ok=len(lengths),
            errors={},
            never_sent=0 if running or not burst else simulation.requests - sent,
            unfinished=0 if running else sent - len(lengths),
            service=histogram,
            response=histogram,
            cpu_ns=at // 50,
            max_lag_ns=200 * US,
        )


def stream(
    variant: str,
    until_ns: int | None = None,
    *,
    requests: int | None = None,
    users: int | None = None,
    cut_s: float | None = None,
    goodbye: bool = False,
) -> list[Batch]:
    """Give the batches of one run, as far as they are received by `until_ns`.

    Args:
        variant: one of `one-keyword` (a burst of 200, 100 at once), `pool-5`, `upstream-10` and `regex` (the
            same burst), or `hello` (a healthy server: 20 users who think for 50 ms between two requests,
            for 3 s).
        until_ns: absolute time of the cut; None gives the run and half a second more.
        requests: requests of the burst.
        users: requests in flight at once.
        cut_s: seconds after which the traffic is cut; 15 in a burst.
        goodbye: whether both processes say goodbye at the end.
    """
    route = shape(variant)
    hello = variant == "hello"
    users = users or (20 if hello else 100)
    requests = requests or (1_000_000 if hello else 200)
    cut_s = cut_s or (3.0 if hello else 15.0)
    simulation = Simulation(
        route.steps,
        requests,
        users,
        START_NS + int(cut_s * S),
        think_ns=50 * MS if hello else 0,
        pool=route.pool,
    )
    simulation.play()
    file = f"/scenarios/{'hello' if hello else 'one-keyword'}/app.py"
    teller = Teller(simulation, route, "constant" if hello else "burst", file)
    batches = [
        Batch(
            0,
            MS,
            [
                RunStarted(
                    t_ns=MS,
                    run=1,
                    scenario="hello" if hello else "one-keyword",
                    variant=variant,
                    title=route.title,
                    knobs={} if hello else {"delay": 0.1},
                    server="uvicorn",
                    workers=1,
                    users=users,
                    source=file,
                    shows=route.function,
                ),
                ServerState(MS, "starting", "", 0, "", []),
            ],
        ),
        Batch(SERVER, 300 * MS, [_hello("server", 4242, 300 * MS)]),
        Batch(0, 400 * MS, [ServerState(400 * MS, "ready", "127.0.0.1:41873", 4242, "", [])]),
        Batch(TRAFFIC, 450 * MS, [_hello("traffic", 4243, 450 * MS)]),
    ]
    end = simulation.stopped_ns + 500 * MS
    before = START_NS - TICK_NS
    t = START_NS
    while t <= end:
        batches.append(Batch(TRAFFIC, t, teller.traffic(before, t)))
        batches.append(Batch(SERVER, t, teller.server(before, t)))
        before, t = t, t + TICK_NS
    if goodbye:
        batches.append(Batch(TRAFFIC, t, [Bye(t, clean=True)]))
        batches.append(Batch(SERVER, t, [Bye(t, clean=True)]))
    return [b for b in batches if b.events and (until_ns is None or b.received_ns <= until_ns)]


def _hello(role: str, pid: int, t: int) -> Hello:
    return Hello(
        protocol=PROTOCOL,
        run=1,
        role=role,  # type: ignore[arg-type]
        worker=0,
        pid=pid,
        python="3.11.7",
        loop="asyncio",
        instruments=["requests", "loop", "stalls", "threads"] if role == "server" else ["requests"],
        monotonic_ns=t,
        wall_ns=1_700_000_000 * S + t,
    )
