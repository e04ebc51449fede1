"""The conductor: what happens in the lab's thread. It starts and stops processes and fills the inbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from looplab.lab.accepting import Accepting
from looplab.lab.facts import Facts
from looplab.lab.gate import Ticket
from looplab.lab.inbox import Inbox
from looplab.lab.intake import Intake
from looplab.lab.notes import Notes
from looplab.lab.ports import ports, shortage
from looplab.lab.selection import Selection
from looplab.lab.shot import Shot
from looplab.lab.turns import Turn
from looplab.lab.workshop import Workshop
from looplab.servers.fleet import Fleet
from looplab.servers.generators import Generators
from looplab.servers.runtime import Runtime
from looplab.servers.server import ServerFailed
from looplab.services.failure import ServiceFailed
from looplab.services.keeper import ServiceKeeper
from looplab.traffic.plan import Job, Target
from looplab.wire.control import Burst, Control
from looplab.wire.events import Hello

READY_DEADLINE_S = 15.0

SWITCH_GRACE_S = 0.25
"""Time between TERM and KILL for a server whose run is over. A blocked one does not hear the TERM, and the
next one starts meanwhile, so a switch never waits longer for the old than for the new."""

FINISH_S = 1.0
"""Time in which traffic that was told to finish reports its totals and ends; then it is KILLed."""

CLOSE_S = 1.5
"""Most time that the end of all processes may take when the lab closes."""

LEFTOVERS_S = 1.0
"""A server that does not say within it what it does is taken to be busy: its word comes every 250 ms."""
LEFTOVERS_PERIOD_S = 0.02

NUMBERS_PER_TRAFFIC = 1_000_000_000
"""Request numbers for the traffic of each run on a server, so that no two requests share one."""

Command = Callable[[], Awaitable[None]]


class Conductor:
    """Executes commands one after another. Not thread-safe: all calls are made in its loop."""

    def __init__(self, inbox: Inbox, ready_deadline_s: float = READY_DEADLINE_S) -> None:
        """Prepare; `run` is its life.

        Args:
            inbox: takes all that the processes and the lab itself say.
            ready_deadline_s: a server that is not ready within it has failed.
        """
        self._intake = Intake(inbox, self._greet)
        self._ready_deadline_s = ready_deadline_s
        self._commands: deque[tuple[Command, Ticket | None]] = deque()
        self._ticket: Ticket | None = None
        """With what the command in progress takes part in a common start."""
        self._commanded = asyncio.Event()
        self._executing: asyncio.Task[None] | None = None
        self._closing = False
        self._workshop = Workshop(self._intake)
        self._server: Fleet | None = None
        self._server_ready = False
        self._traffic: Generators | None = None
        self._traffics = 0
        self._watchers: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[Any]] = set()
        self._accepting = Accepting(self._intake)
        self._services = ServiceKeeper(self._intake.notice)
        self.facts = Facts()
        """What the scenario asks of its database, since the last server was started."""

    async def run(self) -> None:
        """Execute commands until `close`; then end everything."""
        asyncio.get_running_loop().set_exception_handler(self._unforeseen)
        try:
            while not self._closing:
                await self._commanded.wait()
                self._commanded.clear()
                while self._commands and not self._closing:
                    command, self._ticket = self._commands.popleft()
                    self._executing = asyncio.create_task(self._execute(command))
                    await asyncio.wait([self._executing])
                    # Whatever has become of it, the others need not wait for it any longer.
                    if self._ticket is not None:
                        self._ticket.give_up()
        finally:
            await self._end()

    def close(self) -> None:
        """Give up what is in progress and end."""
        self._closing = True
        self._supersede()
        self._commanded.set()

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
        self._supersede()
        self._command(lambda: self._start(selection, turns), ticket)

    def stop(self) -> None:
        """End server and traffic; the services stay. What was commanded before is given up."""

        async def stop() -> None:
            self._retire()

        self._supersede()
        self._command(stop)

    def turn_services(
        self, selection: Selection, turns: Sequence[Turn], ticket: Ticket | None = None
    ) -> None:
        """Let the services have other knobs. A burst is fired again with them, other traffic goes on."""

        async def turn() -> None:
            services = selection.scenario.services
            if not self._server_ready or not self._services.alive(services):
                await self._start(selection, turns)
                return
            self._services.turn(services, selection.knobs)
            if self._traffic is None or selection.plan.executor == "burst":
                await self._start_traffic(selection, turns)
                return
            for told in turns:
                self._intake.turned(told)

        self._supersede()
        self._command(turn, ticket)

    def tell_notes(self, notes: Notes) -> None:
        """Tell the speaker's second terminals."""
        self._workshop.tell_notes(notes)

    def fire(self, shot: Shot) -> None:
        """Start a run with the traffic alone. What was commanded before is given up."""
        self._supersede()
        self._command(lambda: self._fire(shot))

    def start_traffic(self, selection: Selection, ticket: Ticket | None = None) -> None:
        """Start a run on the server that is there; on a new one if it has failed or has leftovers."""
        self._command(lambda: self._start_traffic(selection, [Turn("start", 1, "traffic started")]), ticket)

    def stop_traffic(self) -> None:
        """Let the traffic report its totals and end."""

        async def stop() -> None:
            if self._traffic is not None:
                self._intake.turned(Turn("stop", 0, "traffic stopped"))
            self._finish_traffic()

        self._command(stop)

    def burst(self, selection: Selection, requests: int, concurrency: int) -> None:
        """Fire a burst with the traffic that is there, or start it again.

        A server that still works on what the burst before has abandoned is replaced first.
        """
        turn = Turn("burst", requests, f"burst of {requests:,}, {concurrency:,} at once")

        async def fire() -> None:
            leftovers = self._intake.leftovers
            if leftovers.runs_with not in (0, concurrency) and concurrency == selection.users:
                # With other users it is another run: their rows and figures would not fit together.
                self._finish_traffic()
            if self._traffic is None or (leftovers.over and await self._works_on_leftovers()):
                await self._start_traffic(selection, [turn])
            else:
                self._traffic.send(Burst(requests, concurrency))
                self._intake.turned(turn)

        self._command(fire)

    def turn(self, turn: Turn) -> None:
        """Pass a turn of a control on to the traffic that is there; what starts later has it anyway."""

        async def tell() -> None:
            if self._traffic is not None and turn.order is not None:
                self._traffic.send(turn.order)
                self._intake.turned(turn)

        self._command(tell)

    def tell_worker(self, worker: int, order: Control) -> None:
        """Tell a worker's probe something at once, if it is there. Its events answer."""
        self._workshop.tell(self._intake.source_of(worker), order)

    # Commands

    def _command(self, command: Command, ticket: Ticket | None = None) -> None:
        self._commands.append((command, ticket))
        self._commanded.set()

    def _supersede(self) -> None:
        """Forget the commands that wait, and give up the one in progress."""
        for _, ticket in self._commands:
            if ticket is not None:
                ticket.give_up()
        self._commands.clear()
        if self._executing is not None:
            self._executing.cancel()

    async def _execute(self, command: Command) -> None:
        try:
            await command()
        except Exception as error:
            self._retire()
            self.fail(error)

    async def _start(self, selection: Selection, turns: Sequence[Turn] = ()) -> None:
        self._retire()
        self._traffics = 0
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
        specs = selection.server_specs(run, runtime.socket_path)
        names = ["server"] if len(specs) == 1 else [f"server {spec.instance + 1}" for spec in specs]

        def hear(instance: int, line: str) -> None:
            self._intake.server_line(run, names[instance], line)
            self._services.hear(line)

        server = Fleet(specs, hear)
        self._server = server
        # The traffic process imports its modules while the server imports its own.
        preparing = asyncio.create_task(self._prepare_traffic(runtime, selection.generators))
        try:
            await server.start(self._ready_deadline_s)
        except ServerFailed as error:
            preparing.cancel()
            self._retire()
            self._intake.state("failed", server, self._services.explained(error.reason), error.log)
            return
        except asyncio.CancelledError:
            preparing.cancel()
            raise
        self._server_ready = True
        self._intake.state("ready", server)
        self._watch(self._watch_server(server))
        self._watch(self._accepting.watch(server, lambda: server is self._server and self._server_ready))
        traffic = await preparing
        if self._ending:
            # The old server would take the CPU that this run is measured on.
            await asyncio.wait(self._ending)
        begin_ns = await self._common_start()
        if self._server_ready:
            await self._send_job(traffic, selection, server, begin_ns)

    async def _start_traffic(self, selection: Selection, turns: Sequence[Turn]) -> None:
        server = self._server
        usable = self._server_ready and self._services.alive(selection.scenario.services)
        if server is None or not usable or await self._works_on_leftovers():
            await self._start(selection, turns)
            return
        self._retire_traffic()
        self._begin(selection, warm=True, turns=turns)
        self._intake.state("ready", server)
        traffic = await self._prepare_traffic(await self._workshop.open(), selection.generators)
        begin_ns = await self._common_start()
        if self._server_ready:
            await self._send_job(traffic, selection, server, begin_ns)

    async def _fire(self, shot: Shot) -> None:
        self._retire()
        self._traffics = 0
        self._begin(shot, warm=False)
        traffic = await self._prepare_traffic(await self._workshop.open(), shot.generators)
        await self._send_job(traffic, shot, None)

    def _begin(self, what: Selection | Shot, warm: bool, turns: Sequence[Turn] = ()) -> None:
        self._intake.begin(what.announce(self._intake.run + 1, warm, self._first_id))
        for turn in turns:
            self._intake.turned(turn)

    async def _common_start(self) -> int:
        """Wait for those who begin at the same moment, and give it; 0 if there is nobody."""
        return await self._ticket.ready() if self._ticket is not None else 0

    async def _works_on_leftovers(self) -> bool:
        """Find out whether the server is busy with requests of which nobody wants the answer."""
        leftovers = self._intake.leftovers
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEFTOVERS_S):
                while leftovers.worked_on is None:  # noqa: ASYNC110
                    await asyncio.sleep(LEFTOVERS_PERIOD_S)
        return leftovers.worked_on is not False

    # Processes

    async def _prepare_traffic(self, runtime: Runtime, count: int) -> Generators:
        traffic = Generators(
            count, runtime.folder, lambda line: self._intake.notice("traffic", "warning", line)
        )
        self._traffic = traffic
        await traffic.prepare()
        return traffic

    @property
    def _first_id(self) -> int:
        """Number of the first request of the next traffic process."""
        return 1 + self._traffics * NUMBERS_PER_TRAFFIC

    async def _send_job(
        self, traffic: Generators, what: Selection | Shot, server: Fleet | None, begin_ns: int = 0
    ) -> None:
        runtime = await self._workshop.open()
        first_id = self._first_id
        self._traffics += 1
        if lacking := shortage(what.plan, ports()):
            self._intake.notice("lab", "warning", lacking)
        self._watch(self._watch_traffic(traffic))
        await traffic.start(
            Job(
                run=self._intake.run,
                socket=str(runtime.socket_path),
                targets=[Target(*target) for target in server.targets] if server else what.targets,
                plan=what.plan,
                first_id=first_id,
                allow_remote=what.allow_remote,
                begin_ns=begin_ns,
            )
        )

    def _greet(self, hello: Hello) -> None:
        if self._server is not None:
            self._server.greet(hello)

    def _watch(self, watching: Any) -> None:
        task = asyncio.create_task(watching)
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    async def _watch_server(self, server: Fleet) -> None:
        """Tell when an instance ends although nobody has asked it to: the others end with it."""
        reason, log = await server.wait()
        if server is self._server:
            self._server_ready = False
            self._intake.state("failed", server, reason, log)
            self._finish_traffic()
            self._end_later(server.stop(SWITCH_GRACE_S))

    async def _watch_traffic(self, traffic: Generators) -> None:
        """Tell when the traffic ends in disorder, and know that it is gone.

        Without one of its processes the rest is not the plan any more, so they end with it.
        """
        reason = await traffic.wait()
        if traffic is self._traffic:
            if reason:
                self._intake.notice("traffic", "error", reason)
                self._finish_traffic()
                self._intake.traffic_failed(reason)
            self._traffic = None

    def _finish_traffic(self) -> None:
        """Let the traffic end in good order; its last events still count."""
        traffic, self._traffic = self._traffic, None
        if traffic is not None:
            self._end_later(traffic.finish(FINISH_S))

    def _retire_traffic(self) -> None:
        """Let go of the traffic, whatever it is about."""
        traffic, self._traffic = self._traffic, None
        if traffic is not None:
            self._end_later(traffic.stop())

    def _retire(self) -> None:
        """Let go of server and traffic. They end while the next ones start."""
        self._retire_traffic()
        server, self._server = self._server, None
        self._server_ready = False
        if server is not None:
            self._end_later(server.stop(SWITCH_GRACE_S))

    def _end_later(self, ending_of: Any) -> None:
        task = asyncio.create_task(ending_of)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self) -> None:
        self._retire()
        self._end_later(self._services.close())
        await self._workshop.settle()
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSE_S)
        await self._workshop.close()

    def _unforeseen(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell of an error in a callback, which asyncio would print on the terminal."""
        error = context.get("exception")
        text = f"{context.get('message')}: {error!r}" if error else str(context.get("message"))
        self._intake.notice("lab", "error", text)
