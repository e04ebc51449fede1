"""What is to be run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from looplab.scenario import TRAFFIC_SETTINGS, Scenario, Variant, knob_environment
from looplab.servers.commands import ServerSpec
from looplab.traffic.plan import Locust, Plan, RequestSpec, Target
from looplab.wire.clock import now_ns
from looplab.wire.events import RunStarted


class Selection(msgspec.Struct, frozen=True):
    """A scenario, one of its variants, the knobs and the traffic."""

    scenario: Scenario
    variant: Variant
    knobs: dict[str, float]
    """Value of every knob of the scenario."""
    plan: Plan
    generators: int = 1
    """Traffic processes that share the plan."""

    addresses: dict[str, str] = {}
    """Where the app finds its services, as environment variables; known once they run."""

    waits: bool = False
    """Whether a server that was started waits for somebody to start its traffic."""

    engine: Locust | None = None
    """Makes the traffic in place of looplab's own processes; None lets those make it."""

    @property
    def users(self) -> int:
        """Users that the plan has at most: the concurrency of a burst, what an open plan has in flight."""
        return self.plan.rows

    @property
    def traffic(self) -> dict[str, float]:
        """The numbers of the plan by the names that set them."""
        named = {name: getattr(self.plan, name) for name in TRAFFIC_SETTINGS}
        return {name: float(value) for name, value in named.items() if value}

    @property
    def targets(self) -> list[Target]:
        """Where the traffic goes if no server of the lab's runs: nowhere."""
        return []

    @property
    def allow_remote(self) -> list[str]:
        """Hosts beyond this machine that the scenario's traffic may go to."""
        return self.plan.allow_remote

    @property
    def workers(self) -> int:
        """Workers of all instances."""
        return self.variant.workers * self.variant.instances

    def with_users(self, users: int) -> Selection:
        """Give the same selection with so many users; a burst never has fewer requests than users.

        Stages and phases have users of their own, and keep them.
        """
        plan = self.plan
        if plan.phases:
            return self
        if plan.executor == "burst":
            return self._with(concurrency=users, requests=max(users, plan.requests))
        return self._with(users=users) if plan.users else self

    def with_rate(self, rate: float) -> Selection:
        """Give the same selection with so many arrivals a second; stages keep theirs."""
        return self._with(rate=rate) if self.plan.executor == "arrival-rate" else self

    def with_think(self, seconds: float) -> Selection:
        """Give the same selection with users who think so long; over WebSockets, between two messages."""
        return self._with(**{self.pause: seconds})

    @property
    def pause(self) -> str:
        """Field of the plan that holds the think time."""
        return "interval" if self.plan.executor == "websocket" else "think"

    def with_weights(self, weights: Sequence[float]) -> Selection:
        """Give the same selection with other weights of its mix.

        Raises:
            ValueError: there are not as many weights as kinds of requests, or all of them are 0.
        """
        if not any(weights):
            raise ValueError("one kind of request must have a weight above 0")
        mix = [replace(kind, weight=weight) for kind, weight in zip(self.plan.mix, weights, strict=True)]
        return self._with(mix=mix)

    def _with(self, **changes: object) -> Selection:
        return replace(self, plan=replace(self.plan, **changes))

    def with_services(self, addresses: dict[str, str]) -> Selection:
        """Give the same selection with the addresses of its services."""
        return msgspec.structs.replace(self, addresses=addresses)

    def turns_services_only(self, before: Selection | None) -> bool:
        """Tell whether it is another one with knobs turned that a service takes over while it runs."""
        if before is None or before.knobs == self.knobs or replace(before, knobs=self.knobs) != self:
            return False
        changed = {name for name, value in self.knobs.items() if before.knobs[name] != value}
        return changed <= self.scenario.live_knobs

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
            workers=self.workers,
            # Arrivals take rows as they come: the cap in flight is far above what there mostly is.
            users=self.plan.connections if self.plan.is_open else self.users,
            source=str(source) if source.is_file() else "",
            shows=self.variant.shows,
            warm=warm,
            first_id=first_id,
            names=_names(self.plan),
            instances=self.variant.instances,
        )

    def server_specs(self, run: int, socket_path: Path) -> list[ServerSpec]:
        """Give the servers that this selection needs, one for each instance."""
        return [
            ServerSpec(
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
                instance=instance,
                own=self.variant.own,
            )
            for instance in range(self.variant.instances)
        ]


def _names(plan: Plan) -> list[str]:
    """Give the names of the mix; none where phases have different ones, for a number is not one name then."""
    first, *others = [[request.name for request in one.mix or [RequestSpec()]] for one in plan.sequence]
    return first if all(other == first for other in others) else []
