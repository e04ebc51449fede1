"""What `run` and `gate` share: arguments that say which app, which server, and what is asked of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from looplab.scenario import Own, Scenario, ScenarioError, own_app, own_traffic, read_traffic
from looplab.scenario.own import get, request
from looplab.scenario.schema import LOOPS, SERVERS

from . import options
from .settings import RATE, headers_of, length

if TYPE_CHECKING:
    from looplab.traffic.plan import Plan, RequestSpec

READY_S = 120.0
"""Seconds that an app may take to start, if nobody says otherwise."""

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asked:
    """What was said on the command line of an app and its traffic."""

    app: str
    rest: tuple[str, ...]
    server: str | None
    workers: int
    threads: int
    loop: str
    reload: bool
    factory: bool
    app_dir: Path | None
    python: Path | None
    own_code: tuple[str, ...]
    ready_timeout: float
    gets: list[RequestSpec]
    mix: list[RequestSpec]
    headers: dict[str, str]
    users: int | None
    rate: float | None
    duration: str | None
    traffic: Path | None
    settings: dict[str, str]

    def scenario(self) -> Scenario:
        """Make the scenario.

        Raises:
            ScenarioError: what is wrong, in one line.
            click.UsageError: arguments that do not go together.
        """
        # Here, because `--help` needs no processes.
        from looplab.servers.own import settle

        folder = Path.cwd()
        own_app(self.app, folder=folder)
        app_dir = str((folder / self.app_dir).resolve()) if self.app_dir is not None else ""
        server, own = settle(
            self.app,
            Own(
                python=str(self.python or ""),
                app_dir="" if app_dir == str(folder) else app_dir,
                factory=self.factory,
                arguments=self.rest,
                reload=self.reload,
                ready_s=self.ready_timeout,
            ),
            folder=folder,
            server=self.server,
            packages=self.own_code,
            waiting=self._say_why,
        )
        if server == "uvicorn":
            if self.reload and self.workers > 1:
                raise click.UsageError("uvicorn has one worker with --reload; leave --workers away")
            if self.threads > 1:
                raise click.UsageError("--threads is for gunicorn's workers, and uvicorn serves this app")
        elif self.loop != "auto":
            raise click.UsageError("--loop is for uvicorn, and gunicorn serves this app; leave it away")
        elif self.reload and own.interface == "asgi":
            raise click.UsageError("gunicorn does not reload uvicorn's workers; leave --server gunicorn away")
        return own_app(
            self.app,
            folder=folder,
            server=server,
            workers=self.workers,
            threads=self.threads,
            loop=self.loop,
            traffic=self._plan(),
            own=own,
        )

    def _say_why(self) -> None:
        click.echo(f"looplab: importing {self.app} to see what it is", err=True)

    @property
    def overrides(self) -> dict[str, str | float]:
        """What is set of the traffic, for `knob_values` and `plan_for`."""
        said = {"users": self.users, "rate": self.rate, "duration": self.duration}
        return {**{name: value for name, value in said.items() if value is not None}, **self.settings}

    @property
    def has_traffic(self) -> bool:
        """Whether it was said what is asked of the app."""
        return bool(self.gets or self.mix or self.traffic)

    def _plan(self) -> Plan:
        mix = [*self.gets, *self.mix]
        if self.traffic is not None:
            if mix or self.headers:
                raise click.UsageError("--traffic says all requests; leave --get, --mix and --header away")
            return read_traffic(self.traffic)
        if self.rate is not None and self.users is not None:
            raise click.UsageError("--rate sends whatever the server does: there are no users then")
        return own_traffic(mix, rate=self.rate, users=self.users, headers=self.headers)


def arguments(command: Command) -> Command:
    """Give a command the argument MODULE:APP and these options; it gets them as `asked`."""
    names = [field.name for field in fields(Asked)]

    @functools.wraps(command)
    def gathered(**values: Any) -> Any:
        return command(asked=Asked(**{name: values.pop(name) for name in names}), **values)

    for decorate in reversed(_ARGUMENTS):
        gathered = decorate(gathered)
    return gathered  # type: ignore[return-value]


def _requests(read: Callable[[str], RequestSpec]) -> Callable[..., list[RequestSpec]]:
    def callback(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> list[RequestSpec]:
        try:
            return [read(text) for text in given]
        except ScenarioError as error:
            raise click.BadParameter(str(error)) from None

    return callback


def _rest(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Take what follows `--`, which begins with an option."""
    if given and not given[0].startswith("-"):
        raise click.UsageError(f'"{given[0]}" is one argument too many; options of the server follow --')
    return given


_ARGUMENTS = (
    click.argument("app", metavar="MODULE:APP"),
    click.argument("rest", metavar="[-- SERVER OPTIONS]", nargs=-1, callback=_rest),
    click.option(
        "--server",
        type=click.Choice(SERVERS),
        help="[default: uvicorn for an ASGI app, gunicorn for a WSGI app]",
    ),
    click.option(
        "--workers", metavar="N", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes."
    ),
    click.option(
        "--threads",
        metavar="N",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        help="Threads of each worker of gunicorn.",
    ),
    click.option(
        "--loop",
        type=click.Choice(LOOPS),
        default="auto",
        show_default=True,
        help="Event loop; auto is uvloop where the app has it.",
    ),
    click.option("--reload", is_flag=True, help="Start the workers anew when a file has changed."),
    click.option("--factory", is_flag=True, help="APP is a function that makes the app."),
    click.option(
        "--app-dir",
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Where the app is imported and runs.  [default: the current folder]",
    ),
    click.option(
        "--python",
        metavar="PATH",
        type=click.Path(exists=True, path_type=Path),
        help="Interpreter of the app.  [default: of $VIRTUAL_ENV, else of .venv or venv, else looplab's own]",
    ),
    click.option(
        "--own",
        "own_code",
        metavar="PACKAGE|FOLDER",
        multiple=True,
        help="Count this as your own code, too; the folder and the app's package count anyway.",
    ),
    click.option(
        "--ready-timeout",
        metavar="DURATION",
        callback=length,
        default=f"{READY_S:g}s",
        show_default=True,
        help="Time in which the app must be ready.",
    ),
    click.option(
        "gets",
        "--get",
        metavar="PATH",
        multiple=True,
        callback=_requests(get),
        help="Ask for this; may be repeated.",
    ),
    click.option(
        "--mix",
        metavar='"[WEIGHT] METHOD PATH [BODY]"',
        multiple=True,
        callback=_requests(request),
        help='Send this, such as "3 GET /items/1"; may be repeated.',
    ),
    click.option(
        "--header",
        "headers",
        metavar='"NAME: VALUE"',
        multiple=True,
        callback=headers_of,
        help="With every request; may be repeated.",
    ),
    click.option(
        "--traffic",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Take the [traffic] of a TOML file, as a scenario has it.",
    ),
    click.option(
        "--users",
        metavar="N",
        type=click.IntRange(1, 10_000),
        help="Users who ask, wait for the answer, and ask again.  [default: 10]",
    ),
    click.option(
        "--rate",
        metavar="R",
        type=RATE,
        help="Requests a second whatever the server does, in place of users.",
    ),
    options.duration,
    options.set_values,
)
