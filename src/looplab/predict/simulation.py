"""The simulation: users, workers, threads, connections and cores as processes in simulated time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import accumulate
from random import Random
from typing import Any

import simpy

from looplab.wire.clock import S

from .bounds import CPU, LOOP, bounds, display
from .demands import Demands, What
from .observations import Observations, Outcome
from .routes import Hop, routes
from .stations import Station
from .system import System, check

SWITCH_S = 0.005
"""A thread that computes gives the GIL to another one after so long: Python's switch interval. Then it
gives its core back too, so processes share the cores by turns."""

BATCHES = 20
"""Batches of what is measured: Law & Kelton advise 20 to 30 for the method of batch means."""

PRECISION = 0.02
"""Half-width of the interval of the throughput, as a share of it, at which it is good enough."""

MOST_ROUNDS = 2
"""The measured time is doubled at most so often to get there."""

LEAST_REQUESTS = 4_000
"""Requests that are measured at least: p99 has 40 beyond it. Fewer are where less precision is asked for."""

SLICE_REQUESTS = 2_000
"""Requests between two words of progress."""

Going = Generator[simpy.Event, Any, None]

Tell = Callable[[float], bool]
"""Is told the share that is done; False ends the simulation."""


class _Worker:
    """What one worker process has."""

    __slots__ = ("gil", "loop", "pools")

    def __init__(self, env: simpy.Environment, pools: dict[str, int]) -> None:
        self.loop = Station(env, LOOP, 1)
        self.gil = Station(env, "GIL", 1)
        self.pools = {name: Station(env, name, slots) for name, slots in pools.items()}


class Simulation:
    """A system under its load."""

    def __init__(self, demands: Demands, system: System) -> None:
        self._system = check(system)
        self._env = env = simpy.Environment()
        self._random = Random(system.seed)
        self._bounds = bounds(demands, system)
        self._workers = [_Worker(env, system.pools) for _ in range(system.workers)]
        self._cores = Station(env, CPU, system.cores)
        self._routes, weights = routes(demands)
        self._weights = list(accumulate(weights))
        self._poisson = demands.poisson
        self._traffic_s = demands.cpu.traffic_ns / S if system.traffic_here else 0.0
        self._in_flight = 0
        self._capped = 0
        self.seen = Observations(env, demands.timeout_s)
        self._stations = {LOOP: [worker.loop for worker in self._workers], CPU: [self._cores]}
        for name in system.pools:
            self._stations[display(name)] = [worker.pools[name] for worker in self._workers]

    def run(self, tell: Tell = lambda share: True, precision: float = PRECISION) -> Outcome:
        """Run until the throughput is known well enough, or until `tell` says that it is time.

        A warm-up is cut off: the time in which all users have come round, by the bounds. Then batches of
        equal length are measured, and the interval of the mean is that of the method of batch means (Law &
        Kelton, "Simulation Modeling and Analysis", 9.5.3), which is right if a batch is longer than what its
        requests have to do with one another: it is a round of the users or more.
        """
        env, system = self._env, self._system
        rps, cycle_s = self._rate(), self._cycle_s()
        warmup_s = self._start(rps, cycle_s)
        least = LEAST_REQUESTS * min(PRECISION / precision, 1)
        # A batch is a round of the users, so that batches have little to do with one another. Of many users,
        # who come at all times, it need not hold all.
        batch_s = max(least / BATCHES / rps, min(cycle_s, least / 2 / rps))
        least_s = warmup_s + BATCHES * batch_s

        def going() -> bool:
            return tell(min(env.now / least_s, 1.0))

        slice_s = SLICE_REQUESTS / rps
        complete = self._advance(warmup_s, slice_s, going)
        self._begin()
        complete = complete and self._measure(BATCHES, batch_s, slice_s, going)
        for _ in range(MOST_ROUNDS):
            if not complete or self.seen.precise(precision):
                break
            # As many batches as before, each twice as long.
            complete = self._measure(BATCHES, batch_s, slice_s, going)
            self.seen.join(2)
            batch_s *= 2
        return self.seen.outcome(
            stations=self._stations,
            users=system.users,
            warmup_s=warmup_s,
            capped=self._capped,
            complete=complete,
        )

    def _start(self, rps: float, cycle_s: float) -> float:
        """Start the load, and give the time until it is steady.

        Far beyond the knee of a pool nearly all users stand in its queue, and each has its answer when all
        before it have theirs. They begin so, with the time that they would have waited by then, or it would
        take a request of each to get there. What is left is their way to that queue. To a loop and to a core
        requests come several times, and would come in waves for ever if all began alike: each begins at any
        of its runs, and one round is cut off.
        """
        system, known = self._system, self._bounds
        if system.is_open:
            self._env.process(self._arrivals())
            return max(4 * cycle_s, SLICE_REQUESTS / rps)
        full = system.users > 4 * known.knee
        queued = full and known.limits[0].knob in system.pools
        round_s = system.users / rps if queued else 0.0
        for user in range(system.users):
            share = user / system.users
            begin_s = share if queued else self._random.random()
            self._env.process(
                self._user(
                    self._any_worker(), begin_s * known.cycle_s, round_s * (1 - share), full and not queued
                )
            )
        if full and not queued:
            return 1.2 * cycle_s + 4 * known.cycle_s
        if not full:
            # Users who hardly wait are everywhere in their rounds from the first one on.
            rounds = 1.5 if system.users < known.knee / 2 else 4
            return max(rounds * cycle_s, SLICE_REQUESTS / 4 / rps)
        way_s = system.users / known.limits[1].rps if len(known.limits) > 1 else 0.0
        return min(way_s, cycle_s) + 4 * known.cycle_s + SLICE_REQUESTS / rps

    def _rate(self) -> float:
        system = self._system
        return min(system.rate, self._bounds.most_rps) if system.is_open else self._bounds.rps(system.users)

    def _cycle_s(self) -> float:
        """Time in which every user has come round once."""
        system, known = self._system, self._bounds
        if system.is_open:
            full = system.rate >= known.most_rps
            return max(system.users / known.most_rps if full else 0.0, 5 * known.cycle_s)
        return max(known.cycle_s, system.users / known.most_rps)

    def _advance(self, to_s: float, slice_s: float, going: Callable[[], bool]) -> bool:
        env = self._env
        while env.now < to_s:
            env.run(until=min(env.now + slice_s, to_s))
            if not going():
                return False
        return True

    def _measure(self, batches: int, batch_s: float, slice_s: float, going: Callable[[], bool]) -> bool:
        for _ in range(batches):
            if not self._advance(self._env.now + batch_s, slice_s, going):
                return False
            self.seen.end_batch()
        return True

    def _begin(self) -> None:
        """Forget the warm-up."""
        for stations in self._stations.values():
            for station in stations:
                station.begin()
        self._capped = 0
        self.seen.begin()

    def _user(self, worker: _Worker, begin_s: float, waited_s: float, amid: bool) -> Going:
        """Send, wait for the answer, think, and so on."""
        env, system = self._env, self._system
        yield env.timeout(begin_s)
        while True:
            yield from self._request(worker, waited_s, amid)
            waited_s, amid = 0.0, False
            if system.think_s:
                yield env.timeout(system.think_s)

    def _arrivals(self) -> Going:
        """Send by a schedule; what comes while as many as may be are under way is never sent."""
        env, system = self._env, self._system
        while True:
            between_s = self._random.expovariate(system.rate) if self._poisson else 1 / system.rate
            yield env.timeout(between_s)
            if self._in_flight >= system.users:
                self._capped += 1
                continue
            env.process(self._request(self._any_worker()))

    def _any_worker(self) -> _Worker:
        """Give the worker that accepts a connection: the kernel wakes any of those that listen."""
        return self._random.choice(self._workers)

    def _request(self, worker: _Worker, waited_s: float = 0.0, amid: bool = False) -> Going:
        self._in_flight += 1
        if self._traffic_s:
            yield from self._compute(self._traffic_s, None)
        began_s = self._env.now - waited_s
        self.seen.sent()
        route = self._random.choices(self._routes, cum_weights=self._weights)[0]
        hops = route.hops
        if amid and route.runs:
            hops = hops[self._random.choice(route.runs) :]
        yield from self._travel(hops, worker)
        self._in_flight -= 1
        self.seen.done(began_s)

    def _travel(self, hops: tuple[Hop, ...], worker: _Worker) -> Going:
        env = self._env
        late: list[Station] = []
        for hop in hops:
            what = hop.what
            if what is What.DELAY:
                yield from self._hold(hop, worker)
            elif what is What.LOOP:
                if (wait := worker.loop.take()) is not None:
                    yield wait
                while late:
                    late.pop().give()
                yield from self._hold(hop, worker)
                worker.loop.give()
            elif what is What.TAKE:
                if (wait := worker.pools[hop.pool].take()) is not None:
                    yield wait
            elif what is What.GIVE:
                worker.pools[hop.pool].give()
            elif what is What.GIVE_ON_LOOP:
                late.append(worker.pools[hop.pool])
            elif what is What.WORK:
                yield from self._hold(hop, worker)
            else:
                pool = worker.pools[hop.pool]
                yield env.all_of([env.process(self._use(pool, length_s)) for length_s in hop.lengths_s])
        while late:
            late.pop().give()

    def _use(self, pool: Station, length_s: float) -> Going:
        if (wait := pool.take()) is not None:
            yield wait
        yield self._env.timeout(length_s)
        pool.give()

    def _hold(self, hop: Hop, worker: _Worker) -> Going:
        """Spend the time of a run or of a thread: on a CPU as much of it as needs one."""
        if hop.cpu_s:
            yield from self._compute(hop.cpu_s, worker.gil if hop.gil else None)
        if hop.length_s > hop.cpu_s:
            yield self._env.timeout(hop.length_s - hop.cpu_s)

    def _compute(self, left_s: float, gil: Station | None) -> Going:
        """Compute, with the GIL of a process and a core, in turns with all who do."""
        cores = self._cores
        while left_s > 0:
            if gil is not None and (wait := gil.take()) is not None:
                yield wait
            if (wait := cores.take()) is not None:
                yield wait
            part_s = min(left_s, SWITCH_S)
            yield self._env.timeout(part_s)
            left_s -= part_s
            cores.give()
            if gil is not None:
                gil.give()
