"""A user whose connections do more than read answers: they are not handed on to users of another kind."""

from __future__ import annotations

from looplab.traffic.connection import Connection
from looplab.traffic.user import User


class FittedUser(User):
    """A user with connections of a class of its own."""

    __slots__ = ()

    connections_class: type[Connection] = Connection

    def _open(self) -> Connection:
        assert self.request is not None
        self._opening = connection = self.connections_class(self, stay=self.request.keep_alive)
        return connection

    def _take(self) -> Connection | None:
        while (connection := self.server.take()) is not None:
            if type(connection) is self.connections_class:
                connection.user = self
                self.connection = connection
                return connection
            connection.leave()
        return None

    def leave(self, *, keep: bool = False) -> None:
        """Stop thinking and close the connection: a user of the next phase has no use for it."""
        super().leave()
