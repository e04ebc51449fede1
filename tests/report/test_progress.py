from __future__ import annotations

import io

from rich.console import Console

from looplab.lab import Shot
from looplab.model import Model
from looplab.report.bench import select
from looplab.report.progress import Fired, Lines, share
from looplab.scenario import find
from looplab.traffic.plan import Locust, Plan, Target
from looplab.wire.clock import S
from looplab.wire.events import Batch, Hello, Notice
from states import traffic_state


def hear(model: Model, phase: int, began_s: float, t_s: float, ok: int = 0) -> None:
    """Let the traffic tell how it is in a phase."""
    state = traffic_state(int(t_s * S), ok, started_ns=int(began_s * S), phase=phase, warmup=phase == 0)
    model.apply(Batch(1, 1, [Hello(1, 1, "traffic", 0, 1, "3.11", "asyncio", [], 1, 0), state]))


def test_a_bar_goes_on_behind_a_warm_up() -> None:
    plan = Plan(executor="constant", users=1, warmup=5.0, duration=15.0)
    model = Model()
    assert share(plan, model) == 0.0
    hear(model, 0, 100.0, 104.0)
    assert share(plan, model) == 0.2
    hear(model, 1, 105.0, 110.0)
    assert share(plan, model) == 0.5
    hear(model, 1, 105.0, 121.0)
    assert share(plan, model) == 1.0


def test_requests_fill_the_bar_of_a_burst() -> None:
    model = Model()
    hear(model, 0, 100.0, 101.0, ok=30)
    assert share(Plan(executor="burst", requests=40, concurrency=1), model) == 0.75


def test_a_url_is_shown_as_it_is() -> None:
    out = io.StringIO()
    url = "http://127.0.0.1:1/?item[bold]=1"
    plan = Plan(executor="constant", users=1, duration=1.0)
    with Fired(
        Console(file=out, force_terminal=True, width=120, color_system=None),
        Shot(title=url, targets=[Target("127.0.0.1", 1)], plan=plan),
    ):
        pass
    assert url in out.getvalue()


def test_what_is_to_be_typed_on_other_machines_is_told_once_while_the_run_waits() -> None:
    def said(engine: Locust) -> list[str]:
        (selection,) = select([find("hello")], ["def"], {}, 2, engine)
        out = io.StringIO()
        lines = Lines(Console(file=out, width=20))
        lines.begin(selection, 1, 1)
        model = Model()
        call = Notice(1, "traffic", "warning", "traffic: on the other machine: ssh HOST locust")
        model.apply(Batch(0, 1, [Notice(1, "server", "info", "up"), call]))
        lines.advance(model)
        lines.advance(model)
        return out.getvalue().splitlines()[1:]

    assert said(Locust(elsewhere=1)) == ["looplab: on the other machine: ssh HOST locust"]
    assert said(Locust()) == []
