"""Upstream calls: the HTTP requests that an application sends to others, by the host that is called.

What a call holds is a connection of the client that sends it, from the moment it has one until its
response is closed. Each library has a file of its own that stamps; here is what they have in common.

The slots are told by host and not by client: many applications make a client for each request. A client
that serves several requests has a limit worth telling, which is shared out among the hosts that it
calls. A client for one request alone limits nothing.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

from looplab.probe.faults import Faults, Instrument, clean
from looplab.probe.pools import Pools
from looplab.probe.records import AnyHop, Facts, Hop, Kind, Request, Use, current
from looplab.probe.slots import Gauges, SlotBook
from looplab.wire.clock import now_ns
from looplab.wire.events import SlotKind
from looplab.wire.phases import UPSTREAM

MOST_HOSTS = 8
"""Hosts with slots of their own; the rest share theirs, so that a crawler fills no screen."""

UNTOLD_CLIENTS = 256
"""Clients kept of a host that is not told."""

LONGEST_HOST = 60

_PORTS = {"http": 80, "https": 443}


class Client:
    """A client's pool of connections, as far as calls are told by it."""

    __slots__ = ("held", "limit", "owner", "rid", "shared")

    def __init__(self, owner: Any, limit: int, rid: int) -> None:
        self.owner = weakref.ref(owner)
        self.limit = limit
        """The most connections that it has at once, or 0 where it has no limit."""
        self.rid = rid
        """The request that it was first used by."""
        self.shared = False
        """Whether others use it too, or nobody's work does."""
        self.held = 0
        """Calls that have a connection; counted in the emitter's thread."""


class Call(Hop):
    """One call: asked for, sent, and its response closed."""

    __slots__ = ("client", "owner", "waited")

    def __init__(
        self, request: Request | None, requested_ns: int, book: HostBook, use: Use, client: Client
    ) -> None:
        super().__init__(request, requested_ns, book, use)
        self.client = client
        self.owner: weakref.ref[Any] = client.owner
        """What is gone when an application has dropped the call without closing its response."""
        self.waited = False
        """Whether it had to wait for a connection."""


class HostBook(SlotBook):
    """The calls to one host, of all clients."""

    instrument: Instrument = "upstream"
    kind: SlotKind = "upstream"

    def __init__(self, faults: Faults, host: str) -> None:
        super().__init__(faults)
        self.base = f"upstream {host}"
        self._clients: dict[Client, None] = {}
        self._asked = False

    @property
    def worth_telling(self) -> bool:
        """Whether a request has called it. What libraries send on their own account is not told."""
        return self._asked

    def gauges(self) -> Gauges:
        """Count by the facts."""
        return Gauges(self._limit(), len(self._holders))

    def _limit(self) -> int:
        """Give how many calls the clients allow at once, without what other hosts have; 0: any number."""
        here = Counter(hop.client for hop in self._holders if isinstance(hop, Call))
        total = 0
        for client in list(self._clients):
            if client.owner() is None and not here[client]:
                del self._clients[client]
            elif client.shared and client.limit:
                total += max(client.limit - client.held, 0) + here[client]
            elif here[client]:
                return 0
        return total

    def _take(self, kind: Kind, hop: Hop) -> None:
        if isinstance(hop, Call):
            self._asked = self._asked or hop.request is not None
            if not self.name and len(self._clients) >= UNTOLD_CLIENTS:
                # Nobody asks for the limit, which else lets go of the clients that are gone.
                self._limit()
            self._clients[hop.client] = None
        super()._take(kind, hop)

    def _hold(self, hop: Hop) -> None:
        super()._hold(hop)
        if isinstance(hop, Call) and hop in self._holders:
            hop.client.held += 1

    def _free_slot(self, hop: AnyHop) -> None:
        if isinstance(hop, Call) and hop in self._holders:
            hop.client.held -= 1
        super()._free_slot(hop)

    def _forget_lost(self) -> None:
        """Let go also of the calls that the application has dropped."""
        for hop in self._holders:
            if isinstance(hop, Call) and not hop.released_ns and hop.owner() is None:
                hop.released_ns = now_ns()
        super()._forget_lost()


class Upstream:
    """Finds the book of a host and the record of a client, and writes down the facts.

    Its methods may be called in any thread; none of them raises.
    """

    def __init__(self, facts: Facts, pools: Pools, faults: Faults) -> None:
        self._facts = facts
        self._pools = pools
        self._faults = faults
        self._hosts: dict[str, HostBook] = {}
        self._clients: weakref.WeakKeyDictionary[Any, Client] = weakref.WeakKeyDictionary()

    def ask(
        self, owner: Any, limit: Callable[[Any], int], host: Callable[[], str], use: Use = UPSTREAM
    ) -> Call | None:
        """Note that a call begins; None if nothing can be noted.

        Args:
            owner: the client's pool of connections.
            limit: gives the most connections of such a pool, or 0 where it has no limit.
            host: gives who is called.
            use: which phases the call means.
        """
        if "upstream" in self._faults.off:
            return None
        try:
            request = current.get()
            rid = request.rid if request is not None else -1
            client = self._clients.get(owner)
            if client is None:
                client = self._clients[owner] = Client(owner, limit(owner), rid)
            if not client.shared and (client.rid != rid or rid < 0):
                client.shared = True
            return Call(request, now_ns(), self._book(host()), use, client)
        except Exception as error:
            self._faults.fail("upstream", error)
            return None

    def wait(self, call: Call) -> None:
        """Note that it has to wait for a connection."""
        call.waited = True
        self._facts.append((Kind.WAIT, call.requested_ns, call.request, 0, call))

    def take(self, call: Call, at_ns: int = 0) -> None:
        """Note that it has one, since now or since then."""
        if not call.taken_ns:
            call.taken_ns = at_ns or now_ns()
            self._facts.append((Kind.TAKEN, call.taken_ns, call.request, 0, call))

    def release(self, call: Call | None) -> None:
        """Note that its response is closed, or that it went without one."""
        if call is not None and not call.released_ns:
            call.released_ns = now_ns()
            self._facts.append((Kind.RELEASED, call.released_ns, call.request, 0, call))

    def guard(self, action: Callable[[], None]) -> None:
        """Do what may fail: it switches the instrument off."""
        self._faults.guard("upstream", action)

    def _book(self, host: str) -> HostBook:
        book = self._hosts.get(host)
        if book is None:
            if len(self._hosts) >= MOST_HOSTS:
                host = "others"
            made = HostBook(self._faults, host)
            book = self._hosts.setdefault(host, made)
            if book is made:
                self._pools.add(book)
        return book


def host_name(scheme: str, host: str, port: int | None) -> str:
    """Write who is called: without the port that everybody expects."""
    host = clean(host[:LONGEST_HOST])
    return host if port is None or port == _PORTS.get(scheme) else f"{host}:{port}"
