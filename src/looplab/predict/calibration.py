"""Calibration: the demands of a measured run, from its single requests and its CPU time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from statistics import fmean, quantiles
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from looplab.model.ceiling import LEAST_CPU_SHARE
from looplab.traffic.plan import Plan, RequestSpec
from looplab.wire.clock import S

from .demands import Cpu, Demands, Journey, Kind, Pool, PredictError, Step, What
from .journeys import Held, journey

if TYPE_CHECKING:
    from looplab.model import Model
    from looplab.model.requests import Request

MOST_JOURNEYS = 400
"""Journeys kept of each kind of request, chosen at random: p99 of a kind still has four beyond it."""

LEAST_REQUESTS = 10
"""Fewer say nothing of how long a request holds what it needs."""

STEEPER = 1.3
"""Two loads whose rates differ by less tell no slope."""

_REQUEST_PLANS = ("burst", "constant", "ramping", "arrival-rate", "ramping-arrival-rate")


class Outside(NamedTuple):
    """Cores that were used, as the machine tells it; None where it does not."""

    services: float | None = None
    """By the scenario's database and upstream."""
    lab: float | None = None
    """By the lab, which reads what all of them tell."""


UNSEEN = Outside()


class Load(NamedTuple):
    """CPU of a run, in cores, and what it was used for."""

    rps: float
    """Requests answered a second, with or without success."""
    loop: float
    """Of the loops' threads."""
    process: float
    """Of the workers."""
    traffic: float
    """Of the traffic's process, and of the lab that listens."""
    services: float
    """Of what the scenario has beside its server."""
    stretch: float
    """Time for which a loop wanted a CPU over the time for which it had one."""


def calibrate(
    model: Model,
    plan: Plan,
    cores: int,
    busy: Model | None = None,
    outside: Sequence[Outside] = (),
) -> Demands:
    """Learn what requests need from a run.

    Journeys come from `model`, whose load should be light: what is awaited outside and what runs on a CPU
    takes longer beside others. Each journey is one request that was seen, so the distributions are
    empirical, and what belongs together stays so. CPU time is only told by the worker: a request needs its
    share of that of a busy one. Of one that is not, it is the slope between two loads, which leaves out what
    the worker does without any request.

    Args:
        model: a run that is over.
        plan: its traffic, for the weights of its mix and the users to predict by default.
        cores: of the machine that it ran on.
        busy: another run of the same with more users, for the CPU time.
        outside: what was seen from outside in each of both.

    Raises:
        PredictError: nothing can be learnt from it.
    """
    run, traffic = model.run, model.traffic
    if run is None or traffic is None:
        raise PredictError("there is no run to learn from")
    name = f"{run.scenario} › {run.variant}"
    predictable(plan, name)
    found = [request for request in model.requests if _whole(request, model)]
    if len(found) < LEAST_REQUESTS:
        raise PredictError(
            f"{name}: {len(found)} whole requests were seen, and {LEAST_REQUESTS} are needed; "
            "a longer run has more"
        )
    uses = _uses(model)
    seen: dict[str, list[Journey]] = defaultdict(list)
    mix = plan.mix or [RequestSpec()]
    names = [spec.name for spec in mix]
    random = Random(0)
    random.shuffle(found)
    for request in found:
        kind = names[request.name] if request.name < len(names) else names[0]
        if len(seen[kind]) < MOST_JOURNEYS:
            seen[kind].append(journey(request, uses.get((request.source, request.rid), ())))
    notes = [f"{spec.name} was not seen, and is left out" for spec in mix if not seen.get(spec.name)]
    first, last = (*outside, UNSEEN, UNSEEN)[:2]
    loads = [load(model, first), load(busy, last) if busy is not None else None]
    cpu, overhead_ns, told = _cpu(loads, seen)
    notes += told
    outside_ns = max(_low([request.began_ns - request.begin_ns for request in found]) - overhead_ns, 0)
    return Demands(
        scenario=run.scenario,
        variant=run.variant,
        server=run.server,
        workers=max(len(model.workers), run.workers),
        instances=run.instances,
        cores=cores,
        users=plan.rows,
        most_in_flight=plan.max_in_flight,
        rate=_rate(plan),
        poisson=plan.arrivals == "poisson",
        think_s=plan.think,
        timeout_s=plan.timeout,
        kinds=[
            Kind(
                name=spec.name,
                weight=spec.weight,
                journeys=[_from_the_client(steps, outside_ns, overhead_ns) for steps in seen[spec.name]],
            )
            for spec in mix
            if seen.get(spec.name) and spec.weight > 0
        ],
        pools=_pools(model),
        cpu=cpu,
        seen=len(found),
        notes=notes,
    )


def predictable(plan: Plan, name: str) -> None:
    """Look whether traffic is one that can be predicted.

    Raises:
        PredictError: it is not.
    """
    if plan.phases:
        raise PredictError(f"{name}: a plan of phases cannot be predicted; give it one executor")
    if plan.executor not in _REQUEST_PLANS:
        raise PredictError(
            f"{name}: {plan.executor} traffic cannot be predicted; only requests and answers can"
        )


def load(model: Model, outside: Outside = UNSEEN) -> Load | None:
    """Read the CPU time of a run; None if its workers do not tell it."""
    figures = model.statistics()
    answered = figures.ok + figures.failed
    known = [worker.loop.cpu for worker in model.workers if worker.loop.cpu.process_share is not None]
    if not figures.duration_s or not answered or not known:
        return None
    process = sum(cpu.cores for cpu in known)
    loops = [worker.loop.cpu for worker in model.workers if "loop" in worker.instruments]
    loop = sum(cpu.cores - (cpu.beside_loop() or 0.0) for cpu in loops)
    wanted = sum(cpu.loop_share or 0.0 for cpu in known)
    return Load(
        rps=answered / figures.duration_s,
        loop=loop,
        process=process,
        traffic=(model.client.cpu_share or 0.0) * max(len(model.client.processes), 1) + (outside.lab or 0.0),
        services=outside.services or 0.0,
        stretch=max(wanted / loop, 1.0) if loop > 0 else 1.0,
    )


def _whole(request: Request, model: Model) -> bool:
    """Tell whether both halves of a request of the period are known, and it went well."""
    return (
        request.accounted
        and not request.foreign
        and not request.error
        and request.begin_ns >= model.flow.began_ns
        and request.began_ns > 0
    )


def _uses(model: Model) -> dict[tuple[int, int], list[Held]]:
    """Find the slots that each request had, by its worker's connection and number."""
    found: dict[tuple[int, int], list[Held]] = defaultdict(list)
    for worker in model.workers:
        source = worker.source.number if worker.source is not None else 0
        for pool in worker.slots.values():
            for slot in pool.slots.values():
                for use in slot.uses:
                    if use.rid > 0:
                        held = Held(use.taken_ns, use.released_ns, pool.name, pool.kind)
                        found[source, use.rid].append(held)
    return found


def _pools(model: Model) -> list[Pool]:
    """Give the pools that were used; what nobody used cannot be predicted."""
    pools: dict[str, Pool] = {}
    for worker in model.workers:
        for pool in worker.slots.values():
            if pool.slots and pool.total > 0:
                pools[pool.name] = Pool(pool.name, pool.kind, pool.total)
    return list(pools.values())


def _cpu(loads: Sequence[Load | None], seen: dict[str, list[Journey]]) -> tuple[Cpu, int, list[str]]:
    """Give the CPU's share of what is held, what a loop needs around its runs, and what to say of it."""
    first, busy = loads[0], loads[-1] or loads[0]
    if first is None or busy is None:
        return Cpu(), 0, []
    if busy.process >= LEAST_CPU_SHARE:
        # A busy loop does more for each look at its sockets, so its own mean is what holds under load.
        loop_s, process_s, traffic_s, services_s = (value / busy.rps for value in busy[1:5])
    elif busy.rps > STEEPER * first.rps:
        loop_s, process_s, traffic_s, services_s = (
            max(after - before, 0.0) / (busy.rps - first.rps)
            for before, after in zip(first[1:5], busy[1:5], strict=True)
        )
    else:
        return Cpu(), 0, []
    journeys = [steps for each in seen.values() for steps in each]
    runs_ns = _mean(journeys, What.LOOP)
    work_ns = _mean(journeys, What.WORK)
    beside_ns = max(process_s - loop_s, 0.0) * S
    # Beside others on the machine the loop gets its CPU late: its runs hold that time, and so must the rest.
    # Under load the run's own processes take it from one another, which the simulation does by itself, and
    # each wake of an idle loop is late. The smaller of both is neither.
    stretch = min(first.stretch, busy.stretch)
    if runs_ns:
        overhead_ns = max(loop_s * S * stretch - runs_ns, 0.0)
        work = _share(beside_ns, work_ns)
    else:
        # Without a loop it is the thread that reads and writes.
        overhead_ns = max(beside_ns - work_ns, 0.0)
        work = _share(beside_ns, work_ns + overhead_ns)
    cpu = Cpu(
        loop=_share(loop_s * S, runs_ns + overhead_ns),
        work=work,
        awaited=_share(services_s * S, _mean(journeys, What.DELAY)),
        traffic_ns=round(traffic_s * S),
        known=True,
    )
    return cpu, round(overhead_ns), []


def _mean(journeys: Sequence[Journey], what: What) -> float:
    return fmean(sum(step.length_ns for step in steps if step.what is what) for steps in journeys)


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0) if whole > 0 else 0.0


def _low(values: Sequence[int]) -> int:
    """Give the tenth percentile: what a queue costs even where nobody stands in it."""
    return round(quantiles(values, n=10)[0])


def _rate(plan: Plan) -> float:
    if not plan.is_open:
        return 0.0
    return plan.rate or max((stage.target for stage in plan.stages), default=0.0)


def _from_the_client(steps: Journey, outside_ns: int, overhead_ns: int) -> Journey:
    """Begin with the way to the server, and give the first run what is done around all of them."""
    own = list(steps)
    on_loop = any(step.what is What.LOOP for step in own)
    takes_it = What.LOOP if on_loop else What.WORK
    at = next((place for place, step in enumerate(own) if step.what is takes_it), None)
    if at is not None and overhead_ns:
        own[at] = replace(own[at], length_ns=own[at].length_ns + overhead_ns)
    return (Step(What.DELAY, outside_ns), *own) if outside_ns else tuple(own)
