"""`predict`: a system that cannot be run here. Arguments and wiring only."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from looplab.scenario import ScenarioError, catalogue, find

from . import options
from .headless import LAST_LINES, select
from .output import put
from .settings import Number, command_line, complete_scenario, length, output_file

if TYPE_CHECKING:
    from looplab.predict import Demands, System

BUDGET_S = 180.0
CALIBRATE_S = 4.0
EPILOG = """
\b
Examples:
  looplab predict one-keyword --variant async-await --users 10000
  looplab predict pool-limit --users 100000 --workers 64 --pool 400 --cores 64 --json base.json
  looplab predict --from base.json --pool 800
"""


@click.command(epilog=EPILOG)
@click.argument("scenario", required=False, shell_complete=complete_scenario)
@click.option("--variant", metavar="V", help="Variant to predict; the first one otherwise.")
@click.option("--users", metavar="N", type=click.IntRange(1, 1_000_000), help="Users, each with one request.")
@click.option(
    "--rate",
    metavar="R",
    type=Number(0, min_open=True),
    help="Arrivals a second, whatever the server does, in place of users who wait for answers.",
)
@click.option("--think", metavar="S", callback=length, help="Time between an answer and the next request.")
@click.option("--workers", metavar="N", type=click.IntRange(1, 1024), help="Worker processes of an instance.")
@click.option("--instances", metavar="N", type=click.IntRange(1, 256), help="Servers, each with its workers.")
@click.option(
    "--pool", metavar="N", type=click.IntRange(1, 100_000), help="Connections of each worker's pool."
)
@click.option("--threads", metavar="N", type=click.IntRange(1, 100_000), help="Thread slots of each worker.")
@click.option(
    "--cores",
    metavar="N",
    type=click.IntRange(1, 1024),
    help="Cores of another machine for the server alone; otherwise this one's, shared with the traffic.",
)
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Learn from a recording, or from what --json wrote, instead of a run.",
)
@click.option(
    "--calibrate",
    "length_s",
    metavar="S",
    callback=length,
    default=f"{CALIBRATE_S:g}s",
    show_default=True,
    help="Length of each of the two runs that are learnt from.",
)
@click.option("--seed", metavar="N", type=int, default=1, show_default=True, help="Same seed, same figures.")
@click.option(
    "--budget",
    "budget_s",
    metavar="S",
    callback=length,
    default=f"{BUDGET_S:g}s",
    show_default=True,
    help="End the simulations after so long, with what they have found.",
)
@options.set_values
@options.postgres
@options.json_file
@click.option("--html", metavar="FILE|-", callback=output_file, help="Write a page with the curves.")
@click.option("--svg", metavar="FILE|-", callback=output_file, help="Write the curve of the throughput.")
def predict(
    scenario: str | None,
    variant: str | None,
    users: int | None,
    rate: float | None,
    think: float | None,
    workers: int | None,
    instances: int | None,
    pool: int | None,
    threads: int | None,
    cores: int | None,
    source: Path | None,
    length_s: float,
    seed: int,
    budget_s: float,
    settings: dict[str, str],
    as_json: str | None,
    html: str | None,
    svg: str | None,
) -> None:
    """Predict what a server gives under a load, or with resources, that cannot be run here.

    The scenario is run twice for a few seconds, and how long its requests hold the loop, threads,
    connections and the CPU is learnt from that. Then these resources are simulated: throughput, latency, what
    limits them, what to change first, and the curve over users with its knee.
    """
    _need_simpy()
    from looplab import predict as room
    from looplab.report import predicted, predicted_page

    outputs = {"json": as_json, "html": html, "svg": svg}
    if list(outputs.values()).count("-") > 1:
        raise click.UsageError("only one of --json, --html and --svg can go to stdout")
    if scenario is None and source is None:
        raise click.UsageError("give a SCENARIO, or --from a recording or what --json wrote")
    if users is not None and rate is not None:
        raise click.UsageError("give --users, who wait for answers, or --rate, which does not")
    try:
        demands = _learn(scenario, variant, settings, source, length_s)
        system = _system(demands, users, rate, think, workers, instances, pool, threads, cores, seed)
        with _Progress(budget_s) as progress, _without_collector():
            found = room.predict(demands, room.check(system), progress)
    except room.PredictError as error:
        raise click.ClickException(str(error)) from None
    report = predicted.as_json(found, demands)
    if "-" not in outputs.values():
        click.echo(predicted.as_text(found), nl=False)
    writers: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(report, ensure_ascii=False, allow_nan=False) + "\n",
        "html": lambda: predicted_page.as_html(found, report, command_line()),
        "svg": lambda: predicted_page.as_svg(found),
    }
    for kind, file in outputs.items():
        if file is not None:
            put(file, writers[kind]())


def _need_simpy() -> None:
    try:
        import simpy  # noqa: F401
    except ImportError:
        raise click.ClickException(
            'looplab predict needs SimPy, which is not installed; pip install "looplab[predict]"'
        ) from None


def _learn(
    scenario: str | None, variant: str | None, settings: dict[str, str], source: Path | None, length_s: float
) -> Demands:
    """Learn from a file, or from two short runs."""
    from looplab.predict import PredictError
    from looplab.report import calibrating

    if source is not None:
        demands = calibrating.demands_in(source)
        if demands is None:
            from .recordings import read

            demands = calibrating.recorded(*read(source), catalogue())
        asked = (scenario or demands.scenario, variant or demands.variant)
        if asked != (demands.scenario, demands.variant):
            what = f"{demands.scenario} › {demands.variant}"
            raise PredictError(f"{source} is about {what}, not about {asked[0]} › {asked[1]}")
        return demands
    from rich.console import Console

    from looplab.lab import Lab
    from looplab.report.progress import progress
    from looplab.report.runner import RunError

    if scenario is None:
        raise ScenarioError("there is no scenario")
    chosen = find(scenario)
    first = chosen.variant(variant) if variant is not None else chosen.variants[0]
    (selection,) = select([chosen], [first.id], settings)
    lab = Lab()
    lab.open()
    try:
        with progress(Console(stderr=True)) as observer:
            return calibrating.measure(lab, selection, length_s, observer)
    except RunError as failure:
        raise click.ClickException("\n  ".join([failure.reason, *failure.log[-LAST_LINES:]])) from None
    finally:
        lab.close()


def _system(
    demands: Demands,
    users: int | None,
    rate: float | None,
    think: float | None,
    workers: int | None,
    instances: int | None,
    pool: int | None,
    threads: int | None,
    cores: int | None,
    seed: int,
) -> System:
    """Give the measured system with what was asked for."""
    from msgspec.structs import replace

    from looplab.predict import measured, with_slots

    system = replace(measured(demands), seed=seed)
    if users is not None:
        system = replace(system, users=users, rate=0.0)
    if rate is not None:
        system = replace(system, rate=rate, users=demands.most_in_flight)
    if think is not None:
        system = replace(system, think_s=think)
    if workers is not None or instances is not None:
        each = workers or max(demands.workers // demands.instances, 1)
        system = replace(system, workers=each * (instances or demands.instances))
    if cores is not None:
        system = replace(system, cores=cores, traffic_here=False)
    for knob, slots in (("pool", pool), ("threads", threads)):
        if slots is not None:
            system = with_slots(demands, system, knob, slots)
    return system


@contextmanager
def _without_collector() -> Iterator[None]:
    """Simulate without the garbage collector: with 100,000 users it looks at all of them again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Progress:
    """Says on stderr what is simulated, and when the time is up."""

    def __init__(self, budget_s: float) -> None:
        self._until_s = time.monotonic() + budget_s
        self._terminal = sys.stderr.isatty()
        self._shown = ""

    def begin(self, what: str) -> Callable[[float], bool]:
        """Name what is simulated next."""
        if not self._terminal:
            click.echo(f"simulating {what}", err=True)

        def tell(share: float) -> bool:
            if self._terminal:
                text = f"simulating {what}: {share:.0%}"
                click.echo(f"\r{text:<{len(self._shown)}}", nl=False, err=True)
                self._shown = text
            return time.monotonic() < self._until_s

        return tell

    def __enter__(self) -> _Progress:
        """Nothing is shown yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        if self._shown:
            click.echo(f"\r{' ' * len(self._shown)}\r", nl=False, err=True)
