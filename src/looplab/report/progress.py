"""Progress of `bench` on stderr: bars in a terminal, one line a run everywhere else."""

from __future__ import annotations

from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from looplab.lab import Selection, Shot
from looplab.model import Model
from looplab.traffic.plan import Plan
from looplab.wire.clock import S

from .figures import rate
from .runner import Run


class Observer(Protocol):
    """Who is told of the progress."""

    def begin(self, selection: Selection, number: int, total: int) -> None:
        """Tell that run `number` of `total`, from 1, begins."""

    def advance(self, model: Model) -> None:
        """Tell how far the present run is."""

    def end(self, result: Run) -> None:
        """Tell the result of the present run."""


def progress(console: Console) -> Bars | Lines:
    """Choose the progress that fits to where stderr goes."""
    return Bars(console) if console.is_terminal else Lines(console)


class Calls:
    """What a person has to do while a run waits for it: start Locust's workers on other machines."""

    def __init__(self, selection: Selection) -> None:
        """Prepare for a run."""
        self._waits = selection.engine is not None and selection.engine.elsewhere > 0
        self._seen = 0

    def new(self, model: Model) -> list[str]:
        """Give what the traffic has said since the last look."""
        count, self._seen = model.notice_count - self._seen, model.notice_count
        if not self._waits or count <= 0:
            return []
        said = list(model.notices)[-count:]
        texts = [notice.text.removeprefix("traffic: ") for notice in said if notice.source == "traffic"]
        return [f"looplab: {text}" for text in texts]


class Lines:
    """One line when a run begins, one with its rate when it ends."""

    def __init__(self, console: Console) -> None:
        """Write to this console."""
        self._console = console
        self._name = ""
        self._calls: Calls | None = None

    def __enter__(self) -> Lines:
        """Nothing to show yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take away."""

    def begin(self, selection: Selection, number: int, total: int) -> None:
        """Name the run."""
        self._name = f"{number}/{total} {selection.scenario.id} › {selection.variant.id}"
        self._print(self._name)
        self._calls = Calls(selection)

    def advance(self, model: Model) -> None:
        """Say nothing but what somebody has to do: a log wants one line a run."""
        for line in self._calls.new(model) if self._calls is not None else ():
            self._print(line)

    def end(self, result: Run) -> None:
        """Say what the run gave."""
        self._print(f"{self._name}: {rate(result['rps'])} req/s")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _bar(console: Console) -> Progress:
    """Make a bar that is gone when it is over."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


class Bars:
    """One bar for the present run, which fills by requests or by time, whichever is further."""

    def __init__(self, console: Console) -> None:
        """Draw on this console."""
        self._progress = _bar(console)
        self._selection: Selection | None = None
        self._calls: Calls | None = None
        self._task = self._progress.add_task("", total=1.0, state="")

    def __enter__(self) -> Bars:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away and show the cursor again."""
        self._progress.stop()

    def begin(self, selection: Selection, number: int, total: int) -> None:
        """Start the bar anew."""
        self._selection = selection
        self._calls = Calls(selection)
        name = f"{number}/{total} {selection.scenario.id} › {selection.variant.id}"
        self._progress.reset(self._task, description=name, state="starting the server")

    def advance(self, model: Model) -> None:
        """Fill the bar."""
        for line in self._calls.new(model) if self._calls is not None else ():
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
        traffic = model.traffic
        if traffic is None or self._selection is None or not traffic.started_ns:
            return
        done = traffic.ok + sum(traffic.errors.values())
        state = f"{done:,} done, {traffic.in_flight} in flight"
        self._progress.update(self._task, completed=share(self._selection.plan, model), state=state)

    def end(self, result: Run) -> None:
        """Fill the bar to its end."""
        self._progress.update(self._task, completed=1.0, state=f"{rate(result['rps'])} req/s")


class Fired:
    """A bar for traffic alone; where stderr is no terminal, one line that says what is done."""

    def __init__(self, console: Console, what: Shot) -> None:
        """Draw on this console."""
        self._console = console
        self._what = what
        self._progress = _bar(console)
        self._task = self._progress.add_task(what.title, total=1.0, state="")

    def __enter__(self) -> Fired:
        """Show the bar."""
        if self._console.is_terminal:
            self._progress.start()
        else:
            text = f"{self._what.title}: {asked(self._what.plan)}"
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away and show the cursor again."""
        if self._console.is_terminal:
            self._progress.stop()

    def advance(self, model: Model) -> None:
        """Fill the bar."""
        traffic = model.traffic
        if traffic is None or not traffic.started_ns:
            return
        failed = sum(traffic.errors.values())
        state = f"{rate(model.rps(model.now_ns))} req/s, {traffic.in_flight:,} in flight"
        state += f", {failed:,} errors" if failed else ""
        self._progress.update(self._task, completed=share(self._what.plan, model), state=state)


def share(plan: Plan, model: Model) -> float:
    """Give how much of a plan is done, by requests or by time, whichever is further: from 0 to 1."""
    traffic, periods = model.traffic, model.generators.periods
    if traffic is None or not periods:
        return 0.0
    done = [(traffic.ok + sum(traffic.errors.values())) / plan.requests] if plan.requests else []
    if plan.length:
        # A warm-up and the phases before count too.
        done.append((traffic.t_ns - periods[0].state.started_ns) / S / plan.length)
    return min(1.0, max(0.0, *done)) if done else 0.0


def asked(plan: Plan) -> str:
    """Say what a plan asks for."""
    if plan.executor == "burst":
        return f"{plan.requests:,} request{'s' if plan.requests != 1 else ''}, {plan.concurrency:,} at once"
    users = f"{plan.users:,} user{'s' if plan.users != 1 else ''}"
    what = f"{plan.rate:,.10g} requests a second" if plan.is_open else users
    return f"{what} for {plan.duration:g} s"
