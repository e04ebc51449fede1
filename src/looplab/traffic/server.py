"""A server that requests go to, the connections to it that are free, and which server is next."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from looplab.traffic.connection import Connection


class Server:
    """One target of the job."""

    __slots__ = ("_idle", "addresses", "connections", "in_flight", "index", "port")

    def __init__(self, index: int, addresses: tuple[str, ...], port: int) -> None:
        self.index = index
        self.addresses = addresses
        """Tried in order."""
        self.port = port
        self.connections = 0
        """Connections open now; each connection counts itself."""
        self.in_flight = 0
        """Requests under way; counted only where there are several servers to choose from."""
        self._idle: list[Connection] = []

    def park(self, connection: Connection) -> None:
        """Keep a free connection for the next user."""
        connection.user = None
        connection.parked = True
        self._idle.append(connection)

    def take(self) -> Connection | None:
        """Give a free connection that is still good, the one used last."""
        while self._idle:
            connection = self._idle.pop()
            connection.parked = False
            if connection.good:
                return connection
        return None

    def close(self) -> None:
        """Close the free connections."""
        while (connection := self.take()) is not None:
            connection.leave()


def chooser(servers: list[Server], balance: Literal["fewest", "round-robin"]) -> Callable[[], Server]:
    """Give what says which server the next request goes to.

    Of servers with equally few in flight each comes in turn.
    """
    turn = cycle(servers)
    if balance == "round-robin":
        return turn.__next__
    count = len(servers)

    def fewest() -> Server:
        best = next(turn)
        for _ in range(count - 1):
            other = next(turn)
            if other.in_flight < best.in_flight:
                best = other
        # One step further than this time, or the first of equals would always be the same.
        next(turn)
        return best

    return fewest
