"""Traffic alone, at a server that somebody else has started."""

from __future__ import annotations

import msgspec

from looplab.traffic.plan import Plan, Target
from looplab.wire.clock import now_ns
from looplab.wire.events import RunStarted


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """A plan and whom it is for."""

    title: str
    """What people call the server: its URL."""
    targets: list[Target]
    plan: Plan
    generators: int = 1
    """Traffic processes that share the plan."""
    allow_remote: list[str] = []
    """Hosts beyond this machine that the traffic may go to."""

    def announce(self, run: int, warm: bool, first_id: int) -> RunStarted:
        """Give the event that begins its run: there is no server of the lab's, and no worker to be heard."""
        return RunStarted(
            t_ns=now_ns(),
            run=run,
            scenario="",
            variant="",
            title=self.title,
            knobs={},
            server="",
            workers=0,
            users=self.plan.connections if self.plan.is_open else self.plan.rows,
            source="",
            shows="",
            warm=warm,
            first_id=first_id,
            names=[request.name for request in self.plan.mix],
        )
