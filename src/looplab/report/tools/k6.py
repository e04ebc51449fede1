"""k6: a script in JavaScript whose executors have the same names."""

from __future__ import annotations

import json
from typing import Any

from looplab.traffic.pieces import body, header_pieces, joined, kinds, path_pieces, ratio, seconds, varied
from looplab.traffic.plan import Plan, RequestSpec, Variable
from looplab.traffic.template import Piece, Writer, in_json_text, in_path

from .base import Equivalent, command, duration, file

_LONG_S = 3600
"""How long a burst may take that the plan does not cut."""


def k6(plan: Plan, url: str, stem: str) -> Equivalent:
    """Write the script of `k6` and its command."""
    script = _websocket(plan, url) if plan.executor == "websocket" else _http(plan, url)
    typed = command("k6", "run", f"{stem}.js")
    lines = [file(f"{stem}.js", script), typed]
    return Equivalent("k6", "\n".join(lines), tuple(_notes(plan)), f"{script}\n", typed)


def _http(plan: Plan, url: str) -> str:
    names = list(plan.variables)
    lines = ["import http from 'k6/http';"]
    if plan.think:
        lines.append("import { sleep } from 'k6';")
    if varied(plan):
        lines.append("import exec from 'k6/execution';")
    options: dict[str, Any] = {
        "scenarios": {"looplab": _executor(plan)},
        "discardResponseBodies": True,
        "noConnectionReuse": not plan.keep_alive,
    }
    lines += ["", f"export const options = {json.dumps(options, indent=2)};", ""]
    asked = [_request(spec, plan, url, names) for spec in kinds(plan)]
    think = [f"  sleep({plan.think:g});"] if plan.think else []
    drawn = [f"  const v = {_values(plan)};"] if varied(plan) else []
    if len(asked) == 1:
        lines += ["export default function () {", *drawn, f"  {asked[0]};", *think, "}"]
        return "\n".join(lines)
    weights = [spec.weight for spec in kinds(plan)]
    lines += ["const mix = ["]
    lines += [f"  [{weight:g}, (v) => {one}]," for weight, one in zip(weights, asked, strict=True)]
    lines += [
        "];",
        "",
        "function pick() {",
        f"  let at = Math.random() * {sum(weights):g};",
        "  return (mix.find(([weight]) => (at -= weight) < 0) || mix[mix.length - 1])[1];",
        "}",
        "",
        "export default function () {",
        *drawn,
        f"  pick()({'v' if drawn else ''});",
        *think,
        "}",
    ]
    return "\n".join(lines)


def _executor(plan: Plan) -> dict[str, Any]:
    """Give the k6 scenario of a plan. k6 waits 30 s for what is open at the end; the plan cuts it."""
    most = plan.connections or plan.max_in_flight
    match plan.executor:
        case "burst":
            return {
                "executor": "shared-iterations",
                "vus": min(plan.concurrency, plan.requests),
                "iterations": plan.requests,
                "maxDuration": duration(plan.max_duration or _LONG_S),
                "gracefulStop": "0s",
            }
        case "ramping":
            return {
                "executor": "ramping-vus",
                "startVUs": round(plan.start),
                "stages": [
                    {"duration": duration(stage.duration), "target": round(stage.target)}
                    for stage in plan.stages
                ],
                "gracefulStop": "0s",
            }
        case "arrival-rate":
            (rate,), unit = ratio([plan.rate])
            return {
                "executor": "constant-arrival-rate",
                "rate": rate,
                "timeUnit": duration(unit),
                "duration": duration(seconds(plan)),
                "preAllocatedVUs": most,
                "maxVUs": most,
                "gracefulStop": "0s",
            }
        case "ramping-arrival-rate":
            (start, *targets), unit = ratio([plan.start, *(stage.target for stage in plan.stages)])
            return {
                "executor": "ramping-arrival-rate",
                "startRate": start,
                "timeUnit": duration(unit),
                "stages": [
                    {"duration": duration(stage.duration), "target": target}
                    for stage, target in zip(plan.stages, targets, strict=True)
                ],
                "preAllocatedVUs": most,
                "maxVUs": most,
                "gracefulStop": "0s",
            }
    return {
        "executor": "constant-vus",
        "vus": plan.users,
        "duration": duration(seconds(plan)),
        "gracefulStop": "0s",
    }


def _request(spec: RequestSpec, plan: Plan, url: str, names: list[str]) -> str:
    if plan.executor == "upload":
        content = f"'x'.repeat({plan.body_bytes})"
    else:
        pieces = body(spec, names)
        content = _text(pieces) if any(pieces) else "null"
    given = ", ".join(
        f"{json.dumps(name)}: {_text(value)}" for name, value in header_pieces(spec, names).items()
    )
    expect = ", ".join(map(str, spec.expect)) or "{ min: 200, max: 399 }"
    params = (
        f"{{ headers: {{{given}}}, redirects: 0, timeout: '{duration(plan.timeout)}', "
        f"tags: {{ name: {json.dumps(spec.name)} }}, "
        f"responseCallback: http.expectedStatuses({expect}) }}"
    )
    path = _text([url, *path_pieces(spec, names)])
    return f"http.request({json.dumps(spec.method)}, {path}, {content}, {params})"


def _values(plan: Plan) -> str:
    drawn = ", ".join(f"{json.dumps(name)}: {_draw(variable)}" for name, variable in plan.variables.items())
    return f"{{ {drawn} }}"


def _draw(variable: Variable) -> str:
    if variable.range is not None:
        low, high = variable.range
        return f"{low} + Math.floor(Math.random() * {high - low + 1})"
    if variable.choice is not None:
        return f"{json.dumps(variable.choice)}[Math.floor(Math.random() * {len(variable.choice)})]"
    if variable.sequence is not None:
        start, step = variable.sequence
        return f"{start} + {step} * exec.scenario.iterationInTest"
    return "exec.vu.idInTest - 1"


def _text(pieces: list[Piece]) -> str:
    return joined(pieces, json.dumps, _value, " + ")


def _value(name: str, write: Writer) -> str:
    value = f"v[{json.dumps(name)}]"
    if write is in_path:
        return f"encodeURI({value})"
    if write is json.dumps:
        return f"JSON.stringify({value})"
    if write is in_json_text:
        return f"JSON.stringify(String({value})).slice(1, -1)"
    return f"String({value})"


def _websocket(plan: Plan, url: str) -> str:
    address = f"ws{url.removeprefix('http')}{plan.path}"
    length_s = seconds(plan)
    options = {
        "scenarios": {
            "looplab": {
                "executor": "per-vu-iterations",
                "vus": plan.users,
                "iterations": 1,
                "maxDuration": duration(length_s),
                "gracefulStop": "0s",
            }
        }
    }
    speak = f"setInterval(() => socket.send(String(Date.now())), {round(plan.interval * 1000)})"
    lines = [
        "import exec from 'k6/execution';",
        "import { setInterval, setTimeout } from 'k6/timers';",
        "import { WebSocket } from 'k6/websockets';",
        "",
        f"export const options = {json.dumps(options, indent=2)};",
        "",
        "export default function () {",
        f"  const begin = ((exec.vu.idInTest - 1) * 1000) / {plan.open_rate:g};",
        "  setTimeout(() => {",
        f"    const socket = new WebSocket({json.dumps(address)});",
        *([] if plan.mode == "idle" else [f"    socket.onopen = () => {speak};"]),
        "  }, begin);",
        "}",
    ]
    return "\n".join(lines)


def _notes(plan: Plan) -> list[str]:
    notes = []
    if plan.is_open:
        if plan.arrivals == "poisson":
            notes.append("its arrivals have equal distances; the plan's are independent (Poisson)")
        if plan.connections:
            notes.append(
                "without a free VU an arrival is dropped (dropped_iterations); here it waits for a connection"
            )
        notes.append("http_req_duration begins when a request is sent: k6 has no response latency")
    if len(kinds(plan)) > 1 or varied(plan):
        notes.append("k6 draws its own random numbers: the shares are the same, the order is not")
    if plan.executor == "stream":
        notes.append("http_req_waiting is the first byte; the gaps between chunks it does not tell")
    if plan.executor == "upload":
        notes.append("k6 sends the body at once, not in pieces")
    return notes
