"""wrk: so many connections for so long, and a script in Lua for what differs from a plain GET."""

from __future__ import annotations

import json

from looplab.traffic.pieces import body, header_pieces, joined, kinds, path_pieces, seconds, varied
from looplab.traffic.plan import Plan, Variable
from looplab.traffic.template import Piece, Writer, in_json_text, in_path

from .base import Equivalent, command, file, statuses_differ, whole

_CANNOT = {
    "ramping": "wrk has no stages",
    "arrival-rate": "wrk has no open model: each connection sends again when it has its answer",
    "ramping-arrival-rate": "wrk has no open model: each connection sends again when it has its answer",
    "websocket": "wrk speaks no WebSocket",
    "upload": "wrk sends a body at once",
}

_ENCODE = r"""local function encode(value)
  local function escape(c) return string.format("%%%02X", c:byte()) end
  return (tostring(value):gsub("[^%w/?&=+:@!$'()*,;%%~._-]", escape))
end"""

_INSIDE = r"""local function inside(value)
  local function escape(c) return string.format("\\u%04x", c:byte()) end
  return (tostring(value):gsub('["\\%c]', escape))
end"""

_HELPERS = {"encode": _ENCODE, "inside": _INSIDE}
"""Functions of the script: a value in a path, a value in a JSON text."""


def wrk(plan: Plan, url: str, stem: str) -> Equivalent:
    """Write the command of `wrk`."""
    if reason := _CANNOT.get(plan.executor):
        return Equivalent("wrk", notes=(reason,))
    specs = kinds(plan)
    users = plan.concurrency or plan.users
    words = ["wrk", "-t1", f"-c{users}", f"-d{whole(seconds(plan))}s"]
    words += ["--timeout", f"{whole(plan.timeout)}s", "--latency"]
    plain = (
        len(specs) == 1
        and specs[0].method == "GET"
        and not specs[0].headers
        and not body(specs[0], ())[0]
        and plan.keep_alive
        and not plan.think
        and not varied(plan)
    )
    if plain:
        return Equivalent("wrk", command(*words, f"{url}{specs[0].path}"), tuple(_notes(plan)))
    lines = [file(f"{stem}.lua", _script(plan)), command(*words, "-s", f"{stem}.lua", f"{url}/")]
    return Equivalent("wrk", "\n".join(lines), tuple(_notes(plan)))


def _script(plan: Plan) -> str:
    names = list(plan.variables)
    expressions = []
    for spec in kinds(plan):
        given = {name: _text(pieces) for name, pieces in header_pieces(spec, names).items()}
        if not plan.keep_alive:
            given.setdefault("connection", '"close"')
        table = ", ".join(f"[{_quoted(name)}] = {value}" for name, value in given.items())
        content = body(spec, names)
        expressions.append(
            f"wrk.format({_quoted(spec.method)}, {_text(path_pieces(spec, names))}, "
            f"{{{table}}}, {_text(content) if any(content) else 'nil'})"
        )
    lines = [f"math.randomseed({plan.seed})", "local count = -1"]
    lines += [helper for name, helper in _HELPERS.items() if any(f"{name}(" in one for one in expressions)]
    lines.append("function request()")
    if varied(plan):
        lines.append("  count = count + 1")
        lines.append("  local v = {")
        lines += [f"    [{_quoted(name)}] = {_draw(variable)}," for name, variable in plan.variables.items()]
        lines.append("  }")
    if len(expressions) == 1:
        lines.append(f"  return {expressions[0]}")
    else:
        weights = [spec.weight for spec in kinds(plan)]
        lines.append(f"  local at = math.random() * {sum(weights):g}")
        reached = 0.0
        for weight, expression in zip(weights[:-1], expressions[:-1], strict=True):
            reached += weight
            lines.append(f"  if at < {reached:g} then return {expression} end")
        lines.append(f"  return {expressions[-1]}")
    lines.append("end")
    if plan.think:
        lines.append(f"function delay() return {round(plan.think * 1000)} end")
    return "\n".join(lines)


def _draw(variable: Variable) -> str:
    if variable.range is not None:
        return f"math.random({variable.range[0]}, {variable.range[1]})"
    if variable.choice is not None:
        listed = ", ".join(_quoted(one) if isinstance(one, str) else f"{one}" for one in variable.choice)
        return f"({{{listed}}})[math.random({len(variable.choice)})]"
    if variable.sequence is not None:
        return f"{variable.sequence[0]} + {variable.sequence[1]} * count"
    return "count"


def _text(pieces: list[Piece]) -> str:
    return joined(pieces, _quoted, _value, " .. ")


def _value(name: str, write: Writer) -> str:
    value = f"v[{_quoted(name)}]"
    if write is in_path:
        return f"encode({value})"
    if write is json.dumps:
        return f"(type({value}) == 'number' and {value} or '\"' .. inside({value}) .. '\"')"
    if write is in_json_text:
        return f"inside({value})"
    return f"tostring({value})"


def _quoted(text: str) -> str:
    """Write a text of Lua; a byte that is not plain as its number."""
    written = (
        f"\\{chr(byte)}" if byte in b'"\\' else chr(byte) if 32 <= byte < 127 else f"\\{byte:03d}"
        for byte in text.encode()
    )
    return f'"{"".join(written)}"'


def _notes(plan: Plan) -> list[str]:
    notes = []
    if plan.executor == "burst":
        notes.append(
            f"wrk ends by time, not by a number: it sends on after the plan's {plan.requests:,} requests"
        )
    if len(kinds(plan)) > 1 or varied(plan):
        notes.append("wrk draws its own random numbers: the shares are the same, the order is not")
    if any(variable.unique for variable in plan.variables.values()) and varied(plan):
        notes.append(
            "a wrk script does not know its connection: what is unique per user is per request there"
        )
    if plan.think:
        notes.append("wrk waits before the first request of a connection, too")
    if plan.executor == "stream":
        notes.append("wrk tells when the whole body has come, not its first byte nor the gaps between chunks")
    if statuses_differ(plan):
        notes.append("wrk counts every status from 400 on as an error; the plan expects others")
    return notes
