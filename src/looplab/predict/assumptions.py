"""What a prediction takes for granted, said with it."""

from __future__ import annotations

from .demands import Demands, What
from .simulation import SWITCH_S
from .system import System


def assumptions(demands: Demands, system: System) -> list[str]:
    """List what is assumed of this system, and was not measured."""
    whats = {step.what for kind in demands.kinds for steps in kind.journeys for step in steps}
    said = [f"requests need what {demands.seen:,} measured ones needed"]
    if What.DELAY in whats:
        said.append(
            "what is awaited outside (queries, an upstream) takes as long under any load as it did then"
        )
    said += [_slots(demands, system, pool.name) for pool in demands.pools if pool.kind == "connections"]
    if system.workers > 1:
        said.append("each connection falls on any of the workers, as the kernel hands them out")
    cpu = demands.cpu
    if cpu.known:
        said.append(
            f"threads of a worker share its GIL, and give it on every {SWITCH_S * 1e3:g} ms; "
            f"all workers share {system.cores} cores, and nothing else needs them"
        )
        here = (
            f"the traffic and the lab take {cpu.traffic_ns / 1e6:.2g} ms of the same cores for each request"
        )
        said.append(
            here if system.traffic_here else "the traffic comes from another machine, and costs no CPU"
        )
        if system.cores != demands.cores:
            said.append("each core is as fast as those that were measured")
    else:
        said.append("what a request needs of the CPU is not known, so cores are no limit")
    if not system.is_open:
        said.append("users go on without end: a steady state, and no burst or ramp")
    said.append("a request that takes longer than its timeout is served all the same")
    return said + demands.notes


def _slots(demands: Demands, system: System, name: str) -> str:
    slots = system.pools[name]
    total = slots * system.workers
    if slots == demands.pool(name).slots and system.workers == demands.workers:
        return f"the database answers {total:,} connections of {name} as it did"
    return (
        f"the database allows {total:,} connections of {name}, and answers on all of them as fast as it did"
    )
