"""The conductor: what happens in the lab's thread. It starts and stops processes and fills the inbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from looplab.lab.attachment import Attachment
from looplab.lab.door import Door
from looplab.lab.facts import Facts
from looplab.lab.gate import Ticket
from looplab.lab.inbox import Inbox
from looplab.lab.intake import Intake
from looplab.lab.notes import Notes
from looplab.lab.orders import Orders
from looplab.lab.processes import Processes
from looplab.lab.selection import Selection
from looplab.lab.shot import Shot
from looplab.lab.turns import Turn
from looplab.lab.workshop import Workshop
from looplab.servers.fleet import Fleet
from looplab.servers.server import ServerFailed
from looplab.services.failure import ServiceFailed
from looplab.services.keeper import ServiceKeeper
from looplab.wire.control import Burst, Control
from looplab.wire.events import Hello

READY_DEADLINE_S = 15.0

CLOSE_S = 1.5
"""Most time that the end of all processes may take when the lab closes."""

LEFTOVERS_S = 1.0
"""A server that does not say within it what it does is taken to be busy: its word comes every 250 ms."""
LEFTOVERS_PERIOD_S = 0.02


class Conductor:
    """Executes commands one after another. Not thread-safe: all calls are made in its loop."""

    def __init__(
        self, inbox: Inbox, ready_deadline_s: float = READY_DEADLINE_S, door: Door | None = None
    ) -> None:
        """Prepare; `run` is its life.

        Args:
            inbox: takes all that the processes and the lab itself say.
            ready_deadline_s: a server that is not ready within it has failed.
            door: where servers join; None makes a place for the lab's own.
        """
        self._intake = Intake(inbox, self._greet)
        self._ready_deadline_s = ready_deadline_s
        self._orders = Orders(self._give_up)
        self._workshop = Workshop(self._intake, door)
        self._processes = Processes(self._intake, self._workshop)
        self._services = ServiceKeeper(self._intake.notice)
        self.facts = Facts()
        """What the scenario asks of its database, since the last server was started."""

    async def run(self) -> None:
        """Execute commands until `close`; then end everything."""
        asyncio.get_running_loop().set_exception_handler(self._unforeseen)
        try:
            await self._orders.run()
        finally:
            await self._end()

    def close(self) -> None:
        """Give up what is in progress and end."""
        self._orders.close()

    def fail(self, error: BaseException) -> None:
        """Tell of an error that nobody has foreseen."""
        reason = f"the lab failed: {type(error).__name__}: {error}"
        self._intake.notice("lab", "error", reason)
        self._intake.state("failed", None, reason)

    def complain(self, reason: str) -> None:
        """Tell of something that went wrong beside the run, which goes on."""
        self._intake.notice("lab", "error", reason)

    def start(self, selection: Selection, turns: Sequence[Turn] = (), ticket: Ticket | None = None) -> None:
        """Start a run with a server of its own. What was commanded before is given up.

        Args:
            selection: what to run.
            turns: what was turned, if this run begins for that.
            ticket: for traffic that begins together with that of other labs.
        """
        self._orders.supersede()
        self._orders.put(lambda: self._start(selection, turns), ticket)

    def stop(self) -> None:
        """End server and traffic; the services stay. What was commanded before is given up."""

        async def stop() -> None:
            self._processes.retire()

        self._orders.supersede()
        self._orders.put(stop)

    def turn_services(
        self, selection: Selection, turns: Sequence[Turn], ticket: Ticket | None = None
    ) -> None:
        """Let the services have other knobs. A burst is fired again with them, other traffic goes on."""

        async def turn() -> None:
            services = selection.scenario.services
            if not self._processes.ready or not self._services.alive(services):
                await self._start(selection, turns)
                return
            self._services.turn(services, selection.knobs)
            if self._processes.traffic is None or selection.plan.executor == "burst":
                await self._start_traffic(selection, turns)
                return
            for told in turns:
                self._intake.turned(told)

        self._orders.supersede()
        self._orders.put(turn, ticket)

    def tell_notes(self, notes: Notes) -> None:
        """Tell the speaker's second terminals."""
        self._workshop.tell_notes(notes)

    def fire(self, shot: Shot) -> None:
        """Start a run with the traffic alone. What was commanded before is given up."""
        self._orders.supersede()
        self._orders.put(lambda: self._fire(shot))

    def start_traffic(self, selection: Selection, ticket: Ticket | None = None) -> None:
        """Start a run on the server that is there; on a new one if it has failed or has leftovers."""
        self._orders.put(
            lambda: self._start_traffic(selection, [Turn("start", 1, "traffic started")]), ticket
        )

    def stop_traffic(self) -> None:
        """Let the traffic report its totals and end."""

        async def stop() -> None:
            if self._processes.traffic is not None:
                self._intake.turned(Turn("stop", 0, "traffic stopped"))
            self._processes.finish_traffic()

        self._orders.put(stop)

    def burst(self, selection: Selection, requests: int, concurrency: int) -> None:
        """Fire a burst with the traffic that is there, or start it again.

        A server that still works on what the burst before has abandoned is replaced first.
        """
        turn = Turn("burst", requests, f"burst of {requests:,}, {concurrency:,} at once")

        async def fire() -> None:
            leftovers = self._intake.leftovers
            if leftovers.runs_with not in (0, concurrency) and concurrency == selection.users:
                # With other users it is another run: their rows and figures would not fit together.
                self._processes.finish_traffic()
            if self._processes.traffic is None or (leftovers.over and await self._works_on_leftovers()):
                await self._start_traffic(selection, [turn])
            else:
                self._processes.traffic.send(Burst(requests, concurrency))
                self._intake.turned(turn)

        self._orders.put(fire)

    def turn(self, turn: Turn) -> None:
        """Pass a turn of a control on to the traffic that is there; what starts later has it anyway."""

        async def tell() -> None:
            if self._processes.traffic is not None and turn.order is not None:
                self._processes.traffic.send(turn.order)
                self._intake.turned(turn)

        self._orders.put(tell)

    def tell_worker(self, worker: int, order: Control) -> None:
        """Tell a worker's probe something at once, if it is there. Its events answer."""
        self._workshop.tell(self._intake.source_of(worker), order)

    # Commands

    def _give_up(self, error: Exception) -> None:
        self._processes.retire()
        self.fail(error)

    async def _start(self, selection: Selection, turns: Sequence[Turn] = ()) -> None:
        if isinstance(selection, Attachment):
            await self._attach(selection, turns)
            return
        self._processes.retire()
        self._processes.count_anew()
        self._begin(selection, warm=False, turns=turns)
        self._intake.state("starting", None)
        runtime = await self._workshop.open()
        try:
            services = selection.scenario.services
            addresses = await self._services.ready(services, selection.knobs, runtime.folder)
            await self.facts.begin(selection.scenario.facts, addresses.get("LAB_POSTGRES", ""))
        except ServiceFailed as error:
            self._intake.state("failed", None, error.reason, error.log)
            return
        selection = selection.with_services(addresses)
        run = self._intake.run
        specs = selection.server_specs(run, self._workshop.socket_path)
        names = ["server"] if len(specs) == 1 else [f"server {spec.instance + 1}" for spec in specs]

        def hear(instance: int, line: str) -> None:
            self._intake.server_line(run, names[instance], line)
            self._services.hear(line)

        def broken(reason: str, log: list[str]) -> None:
            if server is self._processes.server:
                self._intake.state("broken" if reason else "ready", server, reason, log)

        server = Fleet(specs, hear, broken)
        self._processes.server = server
        # The traffic process imports its modules while the server imports its own.
        preparing = asyncio.create_task(
            self._processes.prepare_traffic(runtime, selection.generators, selection.engine)
        )
        try:
            await self._processes.begin_server(server, self._ready_deadline_s)
        except ServerFailed as error:
            preparing.cancel()
            self._processes.retire()
            self._intake.state("failed", server, self._services.explained(error.reason), error.log)
            return
        except asyncio.CancelledError:
            preparing.cancel()
            raise
        traffic = await preparing
        if selection.waits:
            self._processes.retire_traffic()
            return
        if self._processes.ending:
            # The old server would take the CPU that this run is measured on.
            await asyncio.wait(self._processes.ending)
        begin_ns = await self._orders.common_start()
        if self._processes.ready:
            await self._processes.send_job(traffic, selection, server, begin_ns)

    async def _attach(self, attachment: Attachment, turns: Sequence[Turn] = ()) -> None:
        """Show the servers that join, those that are there already too."""
        self._processes.retire()
        warm = self._intake.joins
        if not warm:
            self._processes.count_anew()
        self._begin(attachment, warm=warm, turns=turns)
        runtime = await self._workshop.open()
        self._intake.state("ready", None)
        if attachment.aims:
            traffic = await self._processes.prepare_traffic(runtime, attachment.generators)
            await self._processes.send_job(traffic, attachment, None)

    async def _start_traffic(self, selection: Selection, turns: Sequence[Turn]) -> None:
        if isinstance(selection, Attachment):
            await self._attach(selection, turns)
            return
        server = self._processes.server
        usable = self._processes.ready and self._services.alive(selection.scenario.services)
        if server is None or not usable or await self._works_on_leftovers():
            await self._start(selection, turns)
            return
        self._processes.retire_traffic()
        self._begin(selection, warm=True, turns=turns)
        self._intake.state("ready", server)
        traffic = await self._processes.prepare_traffic(
            await self._workshop.open(), selection.generators, selection.engine
        )
        begin_ns = await self._orders.common_start()
        if self._processes.ready:
            await self._processes.send_job(traffic, selection, server, begin_ns)

    async def _fire(self, shot: Shot) -> None:
        self._processes.retire()
        self._processes.count_anew()
        self._begin(shot, warm=False)
        traffic = await self._processes.prepare_traffic(await self._workshop.open(), shot.generators)
        await self._processes.send_job(traffic, shot, None)

    def _begin(self, what: Selection | Shot, warm: bool, turns: Sequence[Turn] = ()) -> None:
        started = what.announce(self._intake.run + 1, warm, self._processes.first_id)
        self._intake.begin(started, joins=isinstance(what, Attachment))
        for turn in turns:
            self._intake.turned(turn)

    async def _works_on_leftovers(self) -> bool:
        """Find out whether the server is busy with requests of which nobody wants the answer."""
        leftovers = self._intake.leftovers
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEFTOVERS_S):
                while leftovers.worked_on is None:  # noqa: ASYNC110
                    await asyncio.sleep(LEFTOVERS_PERIOD_S)
        return leftovers.worked_on is not False

    def _greet(self, hello: Hello) -> None:
        if (server := self._processes.server) is not None:
            server.greet(hello)

    async def _end(self) -> None:
        self._processes.retire()
        self._processes.end_later(self._services.close())
        await self._workshop.settle()
        if self._processes.ending:
            await asyncio.wait(self._processes.ending, timeout=CLOSE_S)
        await self._workshop.close()

    def _unforeseen(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell of an error in a callback, which asyncio would print on the terminal."""
        error = context.get("exception")
        text = f"{context.get('message')}: {error!r}" if error else str(context.get("message"))
        self._intake.notice("lab", "error", text)
