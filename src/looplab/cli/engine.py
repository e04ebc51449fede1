"""What makes the traffic: looplab's own processes, or Locust. The options of both, read together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from looplab.traffic.plan import Locust

MOST = 64

Command = TypeVar("Command", bound=Callable[..., Any])


class Engine(NamedTuple):
    """What was chosen."""

    generators: int
    """Processes that share the traffic."""
    locust: Locust | None
    """How Locust makes it; None for looplab's own processes."""


def engine(command: Command) -> Command:
    """Give a command these options; it gets what was chosen as `engine`."""

    @functools.wraps(command)
    def gathered(**values: Any) -> Any:
        names = ("engine", "generators", "processes", "elsewhere", "master_bind")
        return command(engine=_chosen(*(values.pop(name) for name in names)), **values)

    for decorate in reversed(_OPTIONS):
        gathered = decorate(gathered)
    return gathered  # type: ignore[return-value]


def _chosen(
    engine: str, generators: int | None, processes: int | None, elsewhere: int | None, master_bind: str | None
) -> Engine:
    if engine != "locust":
        given = {"--processes": processes, "--elsewhere": elsewhere, "--master-bind": master_bind}
        for name, value in given.items():
            if value is not None:
                raise click.UsageError(f"{name} goes with --engine locust")
        return Engine(generators or 1, None)
    if generators is not None:
        raise click.UsageError("--generators are looplab's own; with --engine locust say --processes")
    # Here, because `--help` needs no traffic.
    from msgspec.structs import replace

    from looplab.locust.launch import MISSING
    from looplab.traffic.plan import Locust

    if find_spec("locust") is None:
        raise click.ClickException(MISSING)

    elsewhere = elsewhere or 0
    here = (0 if elsewhere else 1) if processes is None else processes
    if not here + elsewhere:
        raise click.UsageError("--processes 0 leaves nobody to make the traffic; --elsewhere says who does")
    if master_bind is not None and not elsewhere:
        raise click.UsageError(
            "--master-bind is for workers on other machines: say how many with --elsewhere"
        )
    plain = Locust(elsewhere=elsewhere)
    chosen = plain if master_bind is None else replace(plain, master_bind=master_bind)
    return Engine(here + elsewhere, chosen)


_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice(["looplab", "locust"]),
        default="looplab",
        show_default=True,
        help="What makes the traffic.",
    ),
    click.option(
        "--generators",
        metavar="N",
        type=click.IntRange(1, MOST),
        help="Traffic processes that share the plan, for a server that is faster than one.  [default: 1]",
    ),
    click.option(
        "--processes",
        metavar="N",
        type=click.IntRange(0, MOST),
        help="Locust's worker processes on this machine.  [default: 1, or with --elsewhere 0]",
    ),
    click.option(
        "--elsewhere",
        metavar="N",
        type=click.IntRange(1, MOST),
        help="Wait for so many of Locust's workers on other machines; what to type there is printed.",
    ),
    click.option(
        "--master-bind",
        metavar="ADDRESS",
        help="Let Locust's master wait for them at this address, and not on this machine alone.",
    ),
)
