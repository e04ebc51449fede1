"""A wave: users that send requests together, until theirs are done or they are told to go."""

from __future__ import annotations

import asyncio

from looplab.traffic.user import User


class Wave:
    """A `burst` is a wave with a number of requests, a `constant` plan one without."""

    __slots__ = ("left", "limit", "think_ns", "users", "wanted")

    def __init__(self, wanted: int, left: int | None, think_ns: int) -> None:
        self.wanted = wanted
        """Users that there shall be."""
        self.left = left
        """Requests not yet begun; None goes on until it is stopped."""
        self.think_ns = think_ns
        """Pause of a user between an answer and the next request."""
        self.users: dict[int, User] = {}
        """Users by number, those that are leaving included."""
        self.limit: asyncio.TimerHandle | None = None
        """Timer that cuts the wave."""

    @property
    def over(self) -> bool:
        """All its requests are begun and done."""
        return self.left == 0 and not self.users
