"""Every route has the same answer in every variant: only the way of waiting differs.

Each variant is served as in a run, with its server and its services, and asked what its traffic asks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from looplab.lab import Lab, Selection
from looplab.scenario import Scenario, Variant, catalogue, knob_values
from looplab.services.cluster import DATA
from looplab.services.machine import lacking
from looplab.traffic.plan import Plan, RequestSpec

pytestmark = pytest.mark.real

Until = Callable[..., None]

RUNNABLE = [scenario for scenario in catalogue() if not any(lacking(need) for need in scenario.needs)]
"""What this machine has everything for."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with a database of its own. Its folder is short: a Unix socket has about 100 characters."""
    with tempfile.TemporaryDirectory(prefix="looplab-test-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA, folder)
        lab = Lab()
        lab.open()
        yield lab
        lab.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", RUNNABLE, ids=lambda scenario: scenario.id)
def test_every_route_has_the_same_answer_in_every_variant(scenario: Scenario, lab: Lab, until: Until) -> None:
    answers: dict[str, list[Any]] = {}
    apps: set[tuple[str, str]] = set()
    for variant in scenario.variants:
        if (variant.server, variant.app) in apps:
            continue
        apps.add((variant.server, variant.app))
        address = served(lab, scenario, variant, until)
        answers[variant.id] = asked(address, variant.traffic or scenario.traffic)
    first, *others = answers.items()
    assert first[1]
    for name, answer in others:
        assert answer == first[1], f"{name} answers otherwise than {first[0]}"


def served(lab: Lab, scenario: Scenario, variant: Variant, until: Until) -> str:
    """Start a variant with its shortest waits, and give the address of its server."""
    shortest = {name: str(knob.min) for name, knob in scenario.knobs.items() if knob.unit == "s"}
    nothing = Plan(executor="constant", users=1, think=3600.0, mix=[RequestSpec(path="/nothing-here")])
    before = lab.model.run.run if lab.model.run else 0
    lab.start(Selection(scenario, variant, knob_values(scenario, shortest), nothing))

    def ready() -> bool:
        lab.drain(10**9)
        model = lab.model
        if model.run is None or model.run.run == before or model.server is None:
            return False
        assert model.server.state != "failed", (model.server.reason, model.server.log)
        return model.server.state == "ready"

    until(ready, f"a server of {scenario.id} › {variant.id}")
    assert lab.model.server is not None
    return lab.model.server.address


def asked(address: str, plan: Plan) -> list[Any]:
    """Ask for everything that the plan asks for."""
    if plan.executor == "websocket":
        with connect(f"ws://{address}{plan.path}") as socket:
            socket.send("is anybody there?")
            return [socket.recv(timeout=10)]
    values = {name: lowest(variable) for name, variable in plan.variables.items()}
    return [answer(address, request, values, b"x" * plan.body_bytes) for request in plan.mix]


def lowest(variable: Any) -> str:
    """Give a value that the variable may have."""
    return str((variable.range or variable.sequence or variable.choice or [0])[0])


def answer(address: str, request: RequestSpec, values: dict[str, str], body: bytes) -> Any:
    """Ask, and give what must be the same: of a request that changes something, the kinds of what it says."""
    content = {"json": filled(request.json, values)} if request.json is not None else {"content": body}
    url = f"http://{address}{filled(request.path, values)}"
    given = httpx.request(request.method, url, headers=request.headers, timeout=30.0, **content)
    assert given.status_code in (request.expect or [200, 201]), (url, given.status_code, given.text)
    if not given.headers["content-type"].startswith("application/json"):
        return request.name, given.status_code, given.text
    said = given.json()
    return request.name, given.status_code, said if request.method == "GET" else kinds(said)


def filled(text: Any, values: dict[str, str]) -> Any:
    """Put the values in; one that stands alone in JSON is a number."""
    if isinstance(text, dict):
        return {key: filled(value, values) for key, value in text.items()}
    if not isinstance(text, str):
        return text
    for name, value in values.items():
        if text == f"{{{name}}}":
            return int(value)
        text = text.replace(f"{{{name}}}", value)
    return text


def kinds(value: Any) -> Any:
    """Give the types in the place of the values."""
    if isinstance(value, dict):
        return {key: kinds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [kinds(item) for item in value]
    return type(value).__name__
