"""What is to be run."""

from __future__ import annotations

from pathlib import Path

import msgspec

from looplab.scenario import Scenario, Variant, knob_environment
from looplab.servers.commands import ServerSpec
from looplab.traffic.plan import Plan
from looplab.wire.clock import now_ns
from looplab.wire.events import RunStarted


class Selection(msgspec.Struct, frozen=True):
    """A scenario, one of its variants, the knobs and the traffic."""

    scenario: Scenario
    variant: Variant
    knobs: dict[str, float]
    """Value of every knob of the scenario."""
    plan: Plan

    addresses: dict[str, str] = {}
    """Where the app finds its services, as environment variables; known once they run."""

    @property
    def users(self) -> int:
        """Users of the plan: the concurrency of a burst, the users of a constant plan."""
        return self.plan.concurrency if self.plan.executor == "burst" else self.plan.users

    def with_users(self, users: int) -> Selection:
        """Give the same selection with so many users; a burst never has fewer requests than users."""
        if self.plan.executor == "burst":
            plan = msgspec.structs.replace(
                self.plan, concurrency=users, requests=max(users, self.plan.requests)
            )
        else:
            plan = msgspec.structs.replace(self.plan, users=users)
        return msgspec.structs.replace(self, plan=plan)

    def with_services(self, addresses: dict[str, str]) -> Selection:
        """Give the same selection with the addresses of its services."""
        return msgspec.structs.replace(self, addresses=addresses)

    def announce(self, run: int, warm: bool, first_id: int) -> RunStarted:
        """Give the event that begins a run of this selection."""
        source = self.scenario.app_file(self.variant)
        return RunStarted(
            t_ns=now_ns(),
            run=run,
            scenario=self.scenario.id,
            variant=self.variant.id,
            title=self.variant.title,
            knobs=self.knobs,
            server=self.variant.server,
            workers=self.variant.workers,
            users=self.users,
            source=str(source) if source.is_file() else "",
            shows=self.variant.shows,
            warm=warm,
            first_id=first_id,
            names=[request.name for request in self.plan.mix],
        )

    def server_spec(self, run: int, socket_path: Path) -> ServerSpec:
        """Give the server that this selection needs."""
        return ServerSpec(
            run=run,
            app=self.variant.app,
            root=self.scenario.folder,
            server=self.variant.server,
            workers=self.variant.workers,
            threads=self.variant.threads,
            worker_connections=self.variant.worker_connections,
            loop=self.variant.loop,
            environment={**self.addresses, **knob_environment(self.knobs)},
            socket_path=socket_path,
        )
