"""The traffic options of commands that meet a server which already runs: `fire` and `attach`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from looplab.scenario.own import METHODS

from . import options
from .settings import RATE, headers_of, length

if TYPE_CHECKING:
    from looplab.traffic.plan import Plan, RequestSpec

USERS = 10

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Firing:
    """What was said of the traffic."""

    users: int | None
    requests: int | None
    duration: float | None
    rate: float | None
    connections: int | None
    method: str | None
    headers: dict[str, str]
    body: str
    timeout: float
    no_keep_alive: bool
    generators: int
    allow_remote: tuple[str, ...]

    def plan(self, length_s: float | None) -> Plan:
        """Make the plan.

        Args:
            length_s: how long it goes on if nobody says how long or how many; None until it is stopped.

        Raises:
            click.UsageError: options that do not go together.
        """
        plan = self._plan(length_s)
        plan.timeout = self.timeout
        plan.keep_alive = not self.no_keep_alive
        return plan

    @property
    def request(self) -> RequestSpec:
        """What is sent."""
        from looplab.traffic.plan import RequestSpec

        method = self.method or ("POST" if self.body else "GET")
        return RequestSpec(method=method.upper(), headers=self.headers, body=self.body)

    @property
    def said(self) -> list[str]:
        """Names of the options that say what traffic to make."""
        asked = {
            "-c": self.users,
            "-n": self.requests,
            "-d": self.duration,
            "--rate": self.rate,
            "--connections": self.connections,
            "--method": self.method,
            "--header": self.headers,
            "--body": self.body,
            "--no-keep-alive": self.no_keep_alive,
            "--allow-remote": self.allow_remote,
        }
        return [name for name, value in asked.items() if value]

    def _plan(self, length_s: float | None) -> Plan:
        from looplab.traffic.plan import Plan

        users, requests, rate = self.users, self.requests, self.rate
        if rate is None:
            if self.connections is not None:
                raise click.UsageError(
                    "--connections goes with --rate; -c sets the users, each with one connection"
                )
            users = users or USERS
            if requests is None:
                return Plan(executor="constant", users=users, duration=self.duration or length_s)
            at_once = min(users, requests)
            return Plan(executor="burst", requests=requests, concurrency=at_once, max_duration=self.duration)
        if users is not None:
            raise click.UsageError("with --rate there are no users; --connections limits the connections")
        lengths = [self.duration] if self.duration is not None else []
        lengths += [requests / rate] if requests is not None else []
        return Plan(
            executor="arrival-rate",
            rate=rate,
            duration=min(lengths, default=length_s),
            connections=self.connections or 0,
        )


def traffic_options(lasting: str) -> Callable[[Command], Command]:
    """Give a command the options, as one argument `firing`.

    Args:
        lasting: how long the traffic goes on if nobody says.
    """
    decorators = [
        click.option(
            "-c",
            "users",
            metavar="USERS",
            type=click.IntRange(1, 100_000),
            help=f"Users at once, each with a connection of its own.  [default: {USERS}]",
        ),
        click.option(
            "-n", "requests", metavar="REQUESTS", type=click.IntRange(1), help="End after so many requests."
        ),
        click.option(
            "-d",
            "duration",
            metavar="DURATION",
            callback=length,
            help=f"End after a time, such as 30s.  [default: {lasting}]",
        ),
        click.option(
            "--rate",
            metavar="R",
            type=RATE,
            help="Send so many requests a second whatever the server does, in place of users who wait "
            "for answers.",
        ),
        click.option(
            "--connections",
            metavar="N",
            type=click.IntRange(1),
            help="With --rate: open so many connections at most.",
        ),
        click.option(
            "--method",
            type=click.Choice(METHODS, case_sensitive=False),
            help="[default: GET, or POST with a body]",
        ),
        click.option(
            "--header",
            "headers",
            metavar='"NAME: VALUE"',
            multiple=True,
            callback=headers_of,
            help="May be repeated.",
        ),
        click.option(
            "--body", metavar="TEXT|@FILE", default="", callback=_body, help="What to send with each request."
        ),
        click.option(
            "--timeout",
            metavar="DURATION",
            callback=length,
            default="60s",
            show_default=True,
            help="Most time of a request.",
        ),
        click.option("--no-keep-alive", is_flag=True, help="Open a connection for each request."),
        options.generators,
        click.option(
            "--allow-remote",
            metavar="HOST",
            multiple=True,
            help="Allow traffic to a host that is not this machine. Fire only at what is yours.",
        ),
    ]
    names = [field.name for field in fields(Firing)]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def gathered(*arguments: Any, **given: Any) -> Any:
            firing = Firing(**{name: given.pop(name) for name in names})
            return command(*arguments, firing=firing, **given)

        made: Any = gathered
        for decorator in reversed(decorators):
            made = decorator(made)
        return made  # type: ignore[no-any-return]

    return decorate


def _body(ctx: click.Context, param: click.Parameter, given: str) -> str:
    """Read the body from a file if it is given as `@FILE`."""
    if not given.startswith("@"):
        if any("\ud800" <= letter <= "\udfff" for letter in given):
            raise click.BadParameter("it is not UTF-8")
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{given[1:]} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{given[1:]} is not UTF-8 (byte {error.start})") from None
