"""The locustfile of a plan: for people with their own Locust, and for the one that a lab starts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

from looplab.locust import parts
from looplab.locust.limits import whole_seconds
from looplab.traffic.pieces import body, header_pieces, joined, kinds, path_pieces, ratio, varied
from looplab.traffic.plan import Plan, RequestSpec, Variable
from looplab.traffic.template import Piece, Writer, in_json_text, in_path

REFUSED_PAUSE_S = 0.1
"""A user who was refused a connection waits so long, as looplab's users do."""

WIDTH = 100
"""Columns of a line, beyond which arguments stand one below the other."""


def script(plan: Plan, *, host: str = "", told: Mapping[str, Any] | None = None) -> str:
    """Write the locustfile.

    Args:
        plan: what Locust can make: `limits.obstacle` has nothing to say of it.
        host: whom to ask, unless the command line says another.
        told: how the lab is told of its requests: arguments of `live.tell`. None for a Locust without a lab.
    """
    lines = [*_imports(plan, told is not None), *_functions(plan), *_user(plan, host)]
    if plan.executor == "ramping":
        lines.append("\n" + parts.SHAPE.format(lines=_lines(plan), rate=max(plan.rows, 1)).rstrip())
    if told is not None:
        lines += ["", "", "tell(", *(f"    {name}={value!r}," for name, value in told.items()), ")"]
    return "\n".join(lines) + "\n"


def words(plan: Plan, processes: int = 1) -> list[str]:
    """Give what stands on Locust's command line beside the file and the host."""
    found = ["--headless"]
    if plan.executor != "ramping":
        users = str(max(plan.rows, 1))
        found += ["--users", users, "--spawn-rate", users]
        length_s = plan.max_duration if plan.executor == "burst" else plan.duration
        if length_s is not None:
            found += ["--run-time", whole_seconds(plan.warmup + length_s)]
    else:
        found += ["--stop-timeout", str(math.ceil(plan.timeout))]
    if processes > 1:
        found += ["--processes", str(processes)]
    return found


def _imports(plan: Plan, live: bool) -> Iterator[str]:
    writers = _writers(plan)
    if writers & {json.dumps, in_json_text}:
        yield "import json"
    if _draws(plan):
        yield "import random"
    if _counts(plan):
        yield "from itertools import count"
    yield "from time import sleep"
    if in_path in writers:
        yield "from urllib.parse import quote"
    yield ""
    names = ["constant", "task"]
    if not live:
        names.append("FastHttpUser")
    if plan.executor == "ramping":
        names.append("LoadTestShape")
    if plan.executor in ("ramping", "burst") or _draws(plan):
        names.append("events")
    if plan.executor == "burst":
        yield "from gevent import spawn"
    yield f"from locust import {', '.join(sorted(names, key=lambda name: (name.islower(), name)))}"
    if plan.executor == "burst":
        yield "from locust.exception import StopUser"
    if live:
        yield ""
        yield "from looplab.locust.live import ToldUser as FastHttpUser, tell"


def _functions(plan: Plan) -> Iterator[str]:
    """Write what the users call."""
    found = []
    if in_path in _writers(plan):
        found.append(parts.IN_PATH)
    if plan.executor == "burst" or _draws(plan) or _counts(plan):
        found.append(parts.PLACE)
    if _draws(plan):
        found.append(parts.SEED.format(seed=plan.seed))
    if plan.executor == "burst":
        found.append(parts.DEAL.format(requests=plan.requests))
    if plan.executor == "ramping":
        found.append(parts.CUT)
    for part in found:
        yield "\n" + part.rstrip()


def _user(plan: Plan, host: str) -> Iterator[str]:
    used = _values(plan)
    yield ""
    yield ""
    yield "class Visitor(FastHttpUser):"
    yield '    """Asks again when it has its answer."""'
    yield ""
    if host:
        yield f"    host = {_quoted(host)}"
    yield f"    wait_time = constant({plan.think:g})"
    yield f"    connection_timeout = network_timeout = {plan.timeout!r}"
    counted = _counts(plan)
    if counted:
        listed = ", ".join(f"{_quoted(name)}: count()" for name in counted)
        yield f"    counts = {{{listed}}}"
    if any(variable.unique for variable in used.values()):
        yield ""
        yield "    def on_start(self):"
        yield '        self.number = self.next("")'
    if counted:
        yield ""
        yield "    def next(self, name):"
        yield '        """Count on. Each process takes its part of the numbers."""'
        yield "        number, processes = place(self.environment)"
        yield "        return number + processes * next(self.counts[name])"
    yield from _tasks(plan, used)
    yield from _ask(plan)


def _tasks(plan: Plan, used: Mapping[str, Variable]) -> Iterator[str]:
    specs = kinds(plan)
    shares, _ = ratio([spec.weight for spec in specs])
    divisor = reduce(math.gcd, shares) or 1
    taken: set[str] = set()
    for number, (spec, part) in enumerate(zip(specs, shares, strict=True)):
        # A prefix, because a user has attributes of its own: client, host, stop, wait, …
        name = f"ask_{re.sub(r'[^a-z0-9]+', '_', spec.name.lower())}"
        name = f"{name}_{number}" if name in taken else name
        taken.add(name)
        yield ""
        yield f"    @task({max(part // divisor, 1)})" if len(specs) > 1 else "    @task"
        yield f"    def {name}(self):"
        found = dict.fromkeys(name for name, _ in _places(spec, used))
        if found:
            drawn = ", ".join(f"{_quoted(name)}: {_draw(name, used[name])}" for name in found)
            yield f"        v = {{{drawn}}}"
        arguments = _arguments(spec, plan)
        line = f"        self.ask({', '.join(arguments)})"
        if len(line) <= WIDTH:
            yield line
        else:
            yield "        self.ask("
            yield from (f"            {argument}," for argument in arguments)
            yield "        )"


def _arguments(spec: RequestSpec, plan: Plan) -> list[str]:
    names = list(plan.variables)
    given = {name: _text(pieces) for name, pieces in header_pieces(spec, names).items()}
    lower = {name.lower() for name in given}
    if "accept-encoding" not in lower:
        # Locust would ask for compressed answers.
        given["accept-encoding"] = _quoted("identity")
    if not plan.keep_alive and "connection" not in lower:
        given["connection"] = _quoted("close")
    headers = ", ".join(f"{_quoted(name)}: {value}" for name, value in given.items())
    path = _text(path_pieces(spec, names))
    found = [_quoted(spec.name), _quoted(spec.method), path, f"{{{headers}}}"]
    content = body(spec, names)
    if any(content):
        found.append(f"body={_text(content)}")
    if spec.expect:
        found.append(f"expect={tuple(spec.expect)!r}")
    return found


def _ask(plan: Plan) -> Iterator[str]:
    is_burst = plan.executor == "burst"
    yield ""
    yield "    def ask(self, name, method, path, headers, body=None, expect=range(200, 400)):"
    if is_burst:
        yield "        if not Share.unsent:"
        yield "            raise StopUser"
        yield "        Share.unsent -= 1"
    yield "        with self.client.request("
    yield "            method, path, name, body, headers=headers, allow_redirects=False, catch_response=True"
    yield "        ) as response:"
    yield "            if response.status_code in expect:"
    yield "                response.success()"
    yield "            elif response.status_code:"
    yield '                response.failure(f"status {response.status_code}")'
    if is_burst:
        yield "        Share.unanswered -= 1"
        yield "        if not Share.unanswered:"
        yield '            self.environment.runner.send_message("answered")'
    yield '        if isinstance(getattr(response, "error", None), ConnectionRefusedError):'
    yield f"            sleep({REFUSED_PAUSE_S})"


def _lines(plan: Plan) -> list[tuple[float, float, float, float]]:
    """Give the lines of a ramp: from which second and number of users to which. A jump has none."""
    found = []
    at, users = 0.0, plan.start
    for stage in plan.stages:
        if stage.duration:
            found.append((at, users, at + stage.duration, stage.target))
        at, users = at + stage.duration, stage.target
    return found


def _values(plan: Plan) -> dict[str, Variable]:
    """Give the variables that occur in a request."""
    found = {name for spec in kinds(plan) for name, _ in _places(spec, plan.variables)}
    return {name: variable for name, variable in plan.variables.items() if name in found}


def _writers(plan: Plan) -> set[Writer]:
    """Give how values are written."""
    return {write for spec in kinds(plan) for _, write in _places(spec, plan.variables)}


def _places(spec: RequestSpec, names: Iterable[str]) -> list[tuple[str, Writer]]:
    known = list(names)
    pieces = [*path_pieces(spec, known), *body(spec, known)]
    for value in header_pieces(spec, known).values():
        pieces += value
    return [piece for piece in pieces if isinstance(piece, tuple)]


def _draws(plan: Plan) -> bool:
    """Tell whether anything is left to chance."""
    values = _values(plan).values()
    return len(kinds(plan)) > 1 or any(one.range is not None or one.choice is not None for one in values)


def _counts(plan: Plan) -> list[str]:
    """Give what is counted on: sequences by name, and users without one."""
    used = _values(plan) if varied(plan) else {}
    found = [name for name, variable in used.items() if variable.sequence is not None]
    return [*found, ""] if any(variable.unique for variable in used.values()) else found


def _draw(name: str, variable: Variable) -> str:
    if variable.range is not None:
        return f"random.randint({variable.range[0]}, {variable.range[1]})"
    if variable.choice is not None:
        listed = ", ".join(_quoted(one) if isinstance(one, str) else repr(one) for one in variable.choice)
        return f"random.choice([{listed}])"
    if variable.sequence is not None:
        return f"{variable.sequence[0]} + {variable.sequence[1]} * self.next({_quoted(name)})"
    return "self.number"


def _text(pieces: list[Piece]) -> str:
    return joined(pieces, _quoted, _value, " + ")


def _value(name: str, write: Writer) -> str:
    value = f"v[{_quoted(name)}]"
    if write is in_path:
        return f"in_path({value})"
    if write is json.dumps:
        return f"json.dumps({value})"
    if write is in_json_text:
        return f"json.dumps(str({value}))[1:-1]"
    return f"str({value})"


def _quoted(text: str) -> str:
    """Write a text, in double quotes where that needs fewer backslashes."""
    return repr(text) if '"' in text else json.dumps(text, ensure_ascii=False)
