"""The processes of a run: the server and the traffic that there are, watched, and let go of."""

from __future__ import annotations

import asyncio
from typing import Any

from looplab.lab.accepting import Accepting
from looplab.lab.intake import Intake
from looplab.lab.ports import ports, shortage
from looplab.lab.selection import Selection
from looplab.lab.shot import Shot
from looplab.lab.workshop import Workshop
from looplab.servers.fleet import Fleet
from looplab.servers.generators import Generators
from looplab.servers.runtime import Runtime
from looplab.traffic.plan import Job, Locust, Target

SWITCH_GRACE_S = 0.25
"""Time between TERM and KILL for a server whose run is over. A blocked one does not hear the TERM, and the
next one starts meanwhile, so a switch never waits longer for the old than for the new."""

FINISH_S = 1.0
"""Time in which traffic that was told to finish reports its totals and ends; then it is KILLed."""

NUMBERS_PER_TRAFFIC = 1_000_000_000
"""Request numbers for the traffic of each run on a server, so that no two requests share one."""


class Processes:
    """Not thread-safe: all calls are made in the lab's loop."""

    def __init__(self, intake: Intake, workshop: Workshop) -> None:
        """Prepare: nothing runs yet.

        Args:
            intake: is told what becomes of them.
            workshop: where they find the lab.
        """
        self._intake = intake
        self._workshop = workshop
        self._accepting = Accepting(intake)
        self.server: Fleet | None = None
        """The server of the present run."""
        self.ready = False
        """Whether it serves."""
        self.traffic: Generators | None = None
        self._traffics = 0
        self._watchers: set[asyncio.Task[None]] = set()
        self.ending: set[asyncio.Task[Any]] = set()
        """What is about to end."""

    def count_anew(self) -> None:
        """Begin again with request 1: no server knows any of before."""
        self._traffics = 0

    async def begin_server(self, server: Fleet, deadline_s: float) -> None:
        """Start a server, and watch it from then on.

        Raises:
            ServerFailed: it did not become ready.
        """
        await server.start(deadline_s)
        self.ready = True
        self._intake.state("ready", server)
        self.watch(self._watch_server(server))
        self.watch(self._accepting.watch(server, lambda: server is self.server and self.ready))

    async def prepare_traffic(self, runtime: Runtime, count: int, engine: Locust | None = None) -> Generators:
        """Start the processes of the traffic, which import their modules and then wait."""

        def hear(line: str) -> None:
            self._intake.notice("traffic", "warning", line)

        traffic = Generators(count, runtime.folder, hear, engine)
        self.traffic = traffic
        await traffic.prepare()
        return traffic

    @property
    def first_id(self) -> int:
        """Number of the first request of the next traffic process."""
        return 1 + self._traffics * NUMBERS_PER_TRAFFIC

    async def send_job(
        self, traffic: Generators, what: Selection | Shot, server: Fleet | None, begin_ns: int = 0
    ) -> None:
        """Tell the traffic what to do, and where."""
        await self._workshop.open()
        first_id = self.first_id
        self._traffics += 1
        if lacking := shortage(what.plan, ports()):
            self._intake.notice("lab", "warning", lacking)
        self.watch(self._watch_traffic(traffic))
        await traffic.start(
            Job(
                run=self._intake.run,
                socket=str(self._workshop.socket_path),
                targets=[Target(*target) for target in server.targets] if server else what.targets,
                plan=what.plan,
                first_id=first_id,
                allow_remote=what.allow_remote,
                begin_ns=begin_ns,
            )
        )

    def watch(self, watching: Any) -> None:
        """Run something beside the commands, for as long as it likes."""
        task = asyncio.create_task(watching)
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    async def _watch_server(self, server: Fleet) -> None:
        """Tell when an instance ends although nobody has asked it to: the others end with it."""
        reason, log = await server.wait()
        if server is self.server:
            self.ready = False
            self._intake.state("failed", server, reason, log)
            self.finish_traffic()
            self.end_later(server.stop(SWITCH_GRACE_S))

    async def _watch_traffic(self, traffic: Generators) -> None:
        """Tell when the traffic ends in disorder, and know that it is gone.

        Without one of its processes the rest is not the plan any more, so they end with it.
        """
        reason = await traffic.wait()
        if traffic is self.traffic:
            if reason:
                self._intake.notice("traffic", "error", reason)
                self.finish_traffic()
                self._intake.traffic_failed(reason)
            self.traffic = None

    def finish_traffic(self) -> None:
        """Let the traffic end in good order; its last events still count."""
        traffic, self.traffic = self.traffic, None
        if traffic is not None:
            self.end_later(traffic.finish(FINISH_S))

    def retire_traffic(self) -> None:
        """Let go of the traffic, whatever it is about."""
        traffic, self.traffic = self.traffic, None
        if traffic is not None:
            self.end_later(traffic.stop())

    def retire(self) -> None:
        """Let go of server and traffic. They end while the next ones start."""
        self.retire_traffic()
        server, self.server = self.server, None
        self.ready = False
        if server is not None:
            self.end_later(server.stop(SWITCH_GRACE_S))

    def end_later(self, ending_of: Any) -> None:
        """End something while other things begin."""
        task = asyncio.create_task(ending_of)
        self.ending.add(task)
        task.add_done_callback(self.ending.discard)
