"""A person's own app as a scenario: one variant in a folder of their own, and traffic from a few words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from looplab.traffic.plan import Plan, RequestSpec
from looplab.traffic.template import unknown

from .errors import ScenarioError, mend
from .plans import read_plan
from .schema import LOOPS, SERVERS, Own, Scenario, Variant
from .table import Table, read_toml
from .traffic import EXECUTORS, STAGED

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

USERS = 10
"""Users of an app of whose traffic nothing was said."""

_APP = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

_WEIGHT = re.compile(r"\d+(\.\d+)?")


def own_app(
    app: str,
    *,
    folder: Path | None = None,
    server: str = "uvicorn",
    workers: int = 1,
    threads: int = 1,
    loop: str = "auto",
    traffic: Plan | None = None,
    own: Own | None = None,
) -> Scenario:
    """Make a scenario of an app that is nobody's scenario.

    Args:
        app: `module:attribute`.
        folder: where it is imported and runs; the present one if None.
        server: `uvicorn` or `gunicorn`.
        workers: processes.
        threads: of each worker of gunicorn.
        loop: event loop of uvicorn.
        traffic: what is asked of it; None is ten users who ask for `/` without a pause.
        own: what else there is to say of it: its interpreter, arguments of its server, and so on.

    Raises:
        ScenarioError: a name that cannot be one, a server or a loop that is not known, no such folder.
    """
    if app.endswith("()") and _APP.fullmatch(app[:-2]):
        raise ScenarioError(f'"{app}" is a call; write {app[:-2]} and add --factory')
    if not _APP.fullmatch(app):
        raise ScenarioError(f'"{app}" names no app; expected MODULE:APP, such as main:app')
    for value, known, noun in ((server, SERVERS, "a server"), (loop, LOOPS, "an event loop")):
        if value not in known:
            raise ScenarioError(f'"{value}" is not {noun}; {mend(value, known)}')
    folder = (folder or Path.cwd()).absolute()
    if not folder.is_dir():
        raise ScenarioError(f"{folder}: no such folder; expected the one that {app} is imported from")
    variant = Variant(
        id=server,
        title=folder.name or str(folder),
        app=app,
        server=server,
        workers=workers,
        threads=threads,
        loop=loop,
        own=own or Own(),
    )
    return Scenario(
        id=app,
        folder=folder,
        title=app,
        question="Where does your own app spend its time?",
        source="",
        knobs={},
        variants=[variant],
        traffic=traffic or own_traffic(),
        claims=[],
        steps=[],
    )


def own_traffic(
    mix: Sequence[RequestSpec] = (),
    *,
    rate: float | None = None,
    users: int | None = None,
    duration: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Plan:
    """Make the plan of so many users, or of so many requests a second.

    Args:
        mix: what is asked; nothing is `GET /`.
        rate: requests a second, whatever the server does; None has users instead.
        users: who ask, wait for the answer, and ask again; ten if None.
        duration: seconds; None goes on until it is stopped.
        headers: of every request that has not its own of that name.
    """
    kinds = [
        msgspec.structs.replace(spec, headers={**(headers or {}), **spec.headers})
        for spec in mix or [RequestSpec(name="/")]
    ]
    if rate is not None:
        return Plan(executor="arrival-rate", rate=rate, duration=duration, mix=kinds)
    return Plan(executor="constant", users=users or USERS, duration=duration, mix=kinds)


def read_traffic(file: Path) -> Plan:
    """Read the `[traffic]` of a file, as that of a scenario is read.

    Raises:
        ScenarioError: what is wrong with it: file, key, what was expected, and the mend.
    """
    top = Table(file, "", read_toml(file, "expected a file with a table [traffic]"))
    for key in top.raw:
        if key != "traffic":
            raise top.problem(key, 'a traffic file has one table, "traffic"')
    if "traffic" not in top.raw:
        raise top.problem("traffic", "missing; expected a table with an executor")
    return read_plan(top.table("traffic"))


def traffic_text(plan: Plan) -> str:
    """Write the traffic of one's own app as the file that `read_traffic` reads.

    Raises:
        ScenarioError: it has phases or variables, and so stands in a file already.
    """
    if plan.phases or plan.variables:
        raise ScenarioError("the traffic has phases or variables; change the file that it comes from")
    lines = ["[traffic]", f"executor = {_text(plan.executor)}"]
    for field in msgspec.structs.fields(EXECUTORS[plan.executor]):
        value = getattr(plan, field.name)
        if field.name != "executor" and value is not None and value != field.default:
            lines.append(f"{field.name} = {json.dumps(value)}")
    if plan.executor in STAGED:
        stages = [f"{{ target = {stage.target:g}, duration = {stage.duration:g} }}" for stage in plan.stages]
        lines.append(f"stages = [{', '.join(stages)}]")
    for spec in plan.mix:
        headers, body = dict(spec.headers), spec.body
        if spec.json is not None:
            # TOML has no null, so that JSON is a text here.
            headers.setdefault("content-type", "application/json")
            body = json.dumps(spec.json, ensure_ascii=False)
        lines += ["", "[[traffic.mix]]", f"name = {_text(spec.name)}", f"weight = {spec.weight:g}"]
        lines += [f"method = {_text(spec.method)}", f"path = {_text(spec.path)}"]
        if headers:
            pairs = ", ".join(f"{_text(name)} = {_text(value)}" for name, value in headers.items())
            lines.append(f"headers = {{ {pairs} }}")
        if body:
            lines.append(f"body = {_text(body)}")
        if spec.expect:
            lines.append(f"expect = {spec.expect}")
    return "\n".join([*lines, ""])


def _text(value: str) -> str:
    """Write a text of TOML, whose escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def get(path: str) -> RequestSpec:
    """Make the request of `--get /items/1`.

    Raises:
        ScenarioError: it is no path.
    """
    return request(f"GET {path}")


def request(text: str) -> RequestSpec:
    """Read `[WEIGHT] METHOD PATH [BODY]`, such as `GET /items/1` or `3 POST /items {"name": "a"}`.

    A body that is JSON is sent as JSON.

    Raises:
        ScenarioError: it is not of that form.
    """
    words = text.strip().split(None, 1)
    weight = 1.0
    if words and _WEIGHT.fullmatch(words[0]):
        weight = float(words[0])
        words = words[1].split(None, 1) if len(words) > 1 else []
    method, rest = [*words, "", ""][:2]
    if method not in METHODS:
        raise ScenarioError(
            f'"{text}": expected [WEIGHT] METHOD PATH [BODY], such as "3 GET /items/1"; '
            f"a method is {', '.join(METHODS)}"
        )
    path, body = [*rest.split(None, 1), "", ""][:2]
    if not path.startswith("/") or not path.isascii() or "#" in path:
        raise ScenarioError(f'"{text}": expected a path of ASCII that begins with /, got "{path}"')
    strange = unknown(path, {})
    if strange is not None:
        raise ScenarioError(
            f'"{text}": nobody knows what {{{strange}}} stands for; write a value, or use a traffic file '
            "with [traffic.variables]"
        )
    if weight <= 0:
        raise ScenarioError(f'"{text}": expected a weight above 0')
    spec = RequestSpec(
        name=path if method == "GET" else f"{method} {path}", weight=weight, method=method, path=path
    )
    if not body:
        return spec
    try:
        spec.json = json.loads(body)
    except ValueError:
        spec.body = body
    return spec
