"""What all phases of a traffic process stand on: servers, numbers, telemetry, and what was counted."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

from looplab.traffic.address import resolve
from looplab.traffic.numbers import Numbers
from looplab.traffic.plan import Job
from looplab.traffic.server import Server
from looplab.traffic.telemetry import Telemetry

_MENDS = {
    errno.EADDRNOTAVAIL: (
        "; a closed connection keeps its port for a minute: keep connections alive, or lower the rate"
    ),
    errno.EMFILE: "; raise the limit with `ulimit -n`",
}


class Ground:
    """Shared by the executors of a process, which run one after the other. All in the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        job: Job,
        telemetry: Telemetry,
        *,
        most_users: int,
        say: Callable[[str], None],
    ) -> None:
        """Prepare what a job needs.

        Args:
            loop: the running loop.
            job: what to do.
            telemetry: takes each request.
            most_users: as many as there can be connections.
            say: takes one line for the log.

        Raises:
            JobError: a target is not on this machine and not allowed.
        """
        self.loop = loop
        self.targets = job.targets
        allowed = [*job.allow_remote, *job.plan.allow_remote]
        self.servers = [
            Server(index, resolve(target.host, allowed), target.port)
            for index, target in enumerate(job.targets)
        ]
        self.telemetry = telemetry
        self.most_users = most_users
        self.say = say
        self.generator = job.generator
        self.generators = job.generators
        self.numbers = Numbers(job.generator, job.generators)
        """Of users. Give each back when its user is gone."""
        self.next_id = job.first_id + job.generator
        """Number of the next request; whoever takes it adds `generators`."""
        self.begun = 0
        """Requests sent since the process began, whatever the totals say."""
        self.finished = 0
        """Requests done since the process began, errors included."""
        self.last_phase = True
        """No phase follows: what is open when the time is up is cut, and connections are closed. Else they
        are kept for the next phase."""
        self._troubles: set[int] = set()

    def share(self, count: int, users: int | None = None) -> int:
        """Give this generator's part of a number of users, or of the requests of so many users.

        Fewer users than generators leave some generators without one, and so without requests.
        """
        parts = self.generators if users is None else min(self.generators, users)
        return count // parts + (self.generator < count % parts) if self.generator < parts else 0

    def allowed(self, users: int) -> int:
        """Give the users that there can be connections for, and say so if it is fewer."""
        if users > self.most_users:
            self.say(f"{users} users are more than the open files allow; there are {self.most_users}")
        return min(users, self.most_users)

    def trouble(self, error: OSError) -> None:
        """Say once what this machine lacks: such a request counts as refused."""
        number = error.errno or 0
        if number not in self._troubles:
            self._troubles.add(number)
            mend = _MENDS.get(number, "")
            self.say(f"this machine can open no more connections: {error.strerror or error}{mend}")

    @property
    def connections(self) -> int:
        """Connections open now."""
        return sum(server.connections for server in self.servers)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for server in self.servers:
            server.close()
