"""The executor of WebSockets: opens connections at a rate, holds them, and talks over them.

What counts as a request here is a connection: sent with its handshake, ok once it was ended in good
order, by either side, with nothing left unanswered. What is said over it has the latencies `service`
and `response`: a message and back (`echo`), a ping and back (`idle`), a message to each connection
(`broadcast`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from websockets.typing import Subprotocol

from looplab.traffic.agenda import Agenda
from looplab.traffic.errors import REFUSED, RESET, TIMEOUT, JobError
from looplab.traffic.ground import Ground
from looplab.traffic.plan import Plan, RequestSpec
from looplab.traffic.requests import Mix
from looplab.traffic.server import Server, chooser
from looplab.traffic.talk import Awaited, Broadcast, Dialogue, Talk
from looplab.traffic.totals import Totals
from looplab.traffic.websocket import WebSocket
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.control import Burst
from looplab.wire.events import ClientRequest

AGAIN_NS = 100 * MS
"""A user whose connection is over waits so long before it wants another: a server that ends each at once
would else be asked without a pause."""


class Sockets:
    """Users with a WebSocket each. All methods are called in the loop's thread."""

    def __init__(self, ground: Ground, plan: Plan, ended: Callable[[], None]) -> None:
        """Prepare a plan; `start` begins it.

        Args:
            ground: what the process has.
            plan: of executor `websocket`.
            ended: called when the time is up.

        Raises:
            JobError: the handshake cannot be sent, or there would be no end of messages.
        """
        if plan.mode == "broadcast" and not plan.interval:
            raise JobError("a broadcast needs an interval above 0 seconds between its messages")
        self._ground = ground
        self._plan = plan
        self._ended = ended
        self._timeout_ns = int(plan.timeout * S)
        # The generators of a run open their connections side by side.
        self._step_ns = int(S * ground.generators / plan.open_rate)
        self._mix = Mix(_asking(plan), ground.targets, ground.generator, ground.generators)
        self._offered = [_subprotocols(spec) for spec in plan.mix] or [None]
        self._choose = chooser(ground.servers, "round-robin")
        self._opening = Agenda(ground.loop, self._open)
        self._next_ns = 0
        """When the next connection may be opened."""
        self._users: dict[int, WebSocket | None] = {}
        """Connections by number of the user; None while the user waits for its turn to open one."""
        self._untried: set[int] = set()
        """Users whose first connection is neither open nor has failed."""
        self._fresh: list[WebSocket] = []
        """Sent, and not reported yet."""
        self._awaited: Awaited = {}
        self._limit: asyncio.TimerHandle | None = None
        self._wanted = 0
        self.totals = Totals(0)
        self.running = False
        self._talk: Talk = (
            Broadcast(ground.loop, plan, self.totals, self._users)
            if plan.mode == "broadcast"
            else Dialogue(ground.loop, plan, self.totals, self._awaited)
        )

    @property
    def users(self) -> int:
        """Connections that there shall be now."""
        return self._wanted

    @property
    def rate(self) -> float:
        """Arrivals a second: there are none."""
        return 0.0

    @property
    def waiting(self) -> int:
        """Arrivals that wait: there are none."""
        return 0

    # What the lab asks for.

    def start(self) -> None:
        """Begin the plan."""
        plan = self._plan
        self.totals.started_ns = now = now_ns()
        self.running = True
        if plan.duration is not None:
            self._limit = self._ground.loop.call_later(plan.duration, self.stop)
        self._resize(plan.users, now)

    def set_users(self, users: int) -> None:
        """Change the number of connections: more are opened at the plan's rate, fewer end at once."""
        if self.running:
            self._resize(users, now_ns())

    def _resize(self, users: int, now: int) -> None:
        ground = self._ground
        self._wanted = ground.allowed(ground.share(max(users, 0)))
        for number in sorted(self._users)[self._wanted :]:
            self._dismiss(number, now)
        while len(self._users) < self._wanted:
            number = ground.numbers.take()
            self._users[number] = None
            self._untried.add(number)
            self._queue(number, now)

    def burst(self, order: Burst) -> None:
        """Say that there is none."""
        self._ground.say("a websocket plan holds connections and fires no burst")

    def set_rate(self, rate: float) -> None:
        """Open connections at another rate, from the next turn on."""
        if rate > 0:
            self._step_ns = int(S * self._ground.generators / rate)
        else:
            self._ground.say(f"connections cannot be opened at a rate of {rate:g} a second")

    def set_mix(self, weights: list[float]) -> None:
        """Change how often each kind of connection is opened."""
        wrong = self._mix.set_weights(weights)
        if wrong:
            self._ground.say(wrong)

    def set_think(self, think_s: float) -> None:
        """Change the time between two messages of a user, from its next answer on."""
        self._talk.set_interval(think_s)

    def stop(self) -> None:
        """End all connections in good order; what owes an answer counts as unfinished."""
        if not self.running:
            return
        self.running = False
        now = now_ns()
        for number in list(self._users):
            self._dismiss(number, now)
        self._opening.clear()
        self._talk.stop()
        if self._limit is not None:
            self._limit.cancel()
        self.totals.ended_ns = now
        self._ended()

    def sweep(self, now: int) -> None:
        """Give up what has waited too long for an answer, and report what was opened."""
        oldest = now - self._timeout_ns
        late: list[WebSocket] = []
        for socket, since_ns in self._awaited.items():
            if since_ns >= oldest:
                break
            late.append(socket)
        for socket in late:
            socket.fail(now, TIMEOUT)
        for socket in self._fresh:
            if not socket.done_ns and not socket.announced:
                self._announce(socket)
        self._fresh.clear()

    # Opening.

    def _queue(self, number: int, earliest_ns: int) -> None:
        """Give a user its turn to open a connection."""
        self.totals.scheduled += 1
        due_ns = max(self._next_ns, earliest_ns)
        self._next_ns = due_ns + self._step_ns
        self._opening.add(due_ns, number)

    def _open(self, number: int, due_ns: int) -> None:
        ground = self._ground
        if number not in self._users or self._users[number] is not None:
            # The user has left, or its number is that of another one by now, who has had a turn.
            return
        rid = ground.next_id
        ground.next_id = rid + ground.generators
        server = self._choose()
        request = self._mix.next(server.index, number)
        socket = WebSocket(self, server, request, self._offered[request.name], number, rid, due_ns)
        self._users[number] = socket
        self._awaited[socket] = now_ns()
        socket.connecting = ground.loop.create_task(self._connect(socket, server))

    async def _connect(self, socket: WebSocket, server: Server) -> None:
        failure: OSError | None = None
        for address in server.addresses:
            try:
                await self._ground.loop.create_connection(lambda: socket, address, server.port)
            except OSError as error:
                failure = error
            else:
                return
        socket.connecting = None
        assert failure is not None
        if not isinstance(failure, ConnectionError):
            self._ground.trouble(failure)
        socket.fail(now_ns(), RESET if isinstance(failure, ConnectionResetError) else REFUSED)

    def _dismiss(self, number: int, now: int) -> None:
        """Let a user go for good, and end its connection."""
        totals = self.totals
        socket = self._users.pop(number)
        self._ground.numbers.give(number)
        self._tried(number)
        if socket is None:
            totals.never_sent += 1
            return
        self._awaited.pop(socket, None)
        self._let_go(socket)
        if not socket.sent_ns:
            totals.never_sent += 1
            socket.give_up()
        elif not socket.open or self._talk.owes(socket):
            totals.unfinished += 1
            if not socket.announced:
                self._announce(socket)
            socket.close()
        else:
            socket.done_ns = now
            socket.close()
            self._count(socket)

    # What the connections tell.

    def sent(self, socket: WebSocket) -> None:
        """Count a handshake whose bytes were handed to the socket."""
        self.totals.sent += 1
        self._ground.begun += 1
        self._fresh.append(socket)

    def opened(self, socket: WebSocket) -> None:
        """Take a connection whose handshake is done, and begin to talk."""
        del self._awaited[socket]
        socket.held = True
        socket.server.connections += 1
        self.totals.first_byte.record(socket.first_byte_ns - socket.sent_ns)
        self._announce(socket)
        self._talk.begin(socket)
        self._tried(socket.number)

    def heard(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Take a message."""
        self._talk.heard(socket, data, now)

    def ponged(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Take the answer to a ping."""
        self._talk.ponged(socket, data, now)

    def ended(self, socket: WebSocket) -> None:
        """Count a connection that the server has ended, or that has failed; its user opens another one."""
        self._awaited.pop(socket, None)
        if not socket.error and self._talk.owes(socket):
            socket.error = RESET
        if not socket.sent_ns:
            self.sent(socket)
        self._let_go(socket)
        self._count(socket)
        self._users[socket.number] = None
        self._queue(socket.number, socket.done_ns + AGAIN_NS)
        self._tried(socket.number)

    def _tried(self, number: int) -> None:
        if number in self._untried:
            self._untried.discard(number)
            if not self._untried:
                self._talk.complete()

    def _let_go(self, socket: WebSocket) -> None:
        if socket.held:
            socket.held = False
            socket.server.connections -= 1

    def _count(self, socket: WebSocket) -> None:
        self._ground.finished += 1
        if socket.error:
            self.totals.errors[socket.error] += 1
        else:
            self.totals.ok += 1
        self._report(socket)

    def _announce(self, socket: WebSocket) -> None:
        """Report a connection that is not over: once its handshake is done, or when that takes long."""
        socket.announced = True
        self._report(socket)

    def _report(self, socket: WebSocket) -> None:
        self._ground.telemetry.requests.append(
            ClientRequest(
                socket.rid,
                socket.number,
                socket.request.name,
                socket.scheduled_ns,
                socket.sent_ns,
                socket.first_byte_ns,
                socket.done_ns,
                socket.status,
                socket.error,
                socket.via,
            )
        )


def _asking(plan: Plan) -> Plan:
    """Give the plan with what its handshakes ask for: its path, where a request has none of its own."""
    specs = [
        msgspec.structs.replace(spec, path=plan.path) if spec.path == "/" else spec
        for spec in plan.mix or [RequestSpec()]
    ]
    for spec in specs:
        if spec.method != "GET" or spec.body or spec.json is not None:
            raise JobError(f"request {spec.name!r}: a WebSocket begins with a GET that has no body")
    return msgspec.structs.replace(plan, mix=specs)


def _subprotocols(spec: RequestSpec) -> list[Subprotocol] | None:
    """Give the subprotocols that a handshake offers; None if it offers none."""
    offered = [value for name, value in spec.headers.items() if name.lower() == "sec-websocket-protocol"]
    return [Subprotocol(one.strip()) for value in offered for one in value.split(",")] or None
