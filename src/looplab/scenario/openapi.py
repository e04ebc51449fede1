"""The requests that an OpenAPI document describes, each with values that its schema gives or allows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard
from urllib.parse import quote, urlencode

import msgspec

from looplab.traffic.plan import RequestSpec

READING: Final = ("GET", "HEAD")
"""Methods that change nothing."""

_METHODS: Final = (*READING, "POST", "PUT", "PATCH", "DELETE")

DEEP = 12
"""Schemas inside each other that are followed: a schema may hold itself."""

_FORMATS: Final = {
    "date": "2024-01-31",
    "date-time": "2024-01-31T12:00:00Z",
    "time": "12:00:00",
    "duration": "PT1M",
    "email": "somebody@example.com",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}
"""Texts of each format, from the ranges that are kept for examples."""

_OWN: Final = re.compile(r"/(?:openapi|swagger|redoc|docs|schema)\b")
"""Paths of the documentation itself."""


class Route(msgspec.Struct, frozen=True):
    """A request that the app says it answers."""

    spec: RequestSpec
    """With example values."""
    title: str
    """`GET /items/{id}`, as the document has it."""
    summary: str

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, as far as its method promises it."""
        return self.spec.method in READING


class NoDocument(Exception):  # noqa: N818  it says what is not there
    """What was read is no OpenAPI document; the message says why."""


def routes(text: str | bytes) -> list[Route]:
    """Read a document; routes that read come first, each half in the order of the document.

    Raises:
        NoDocument: it is not one.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise NoDocument(f"it is no JSON: {error}") from None
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        raise NoDocument("it has no paths")
    found = list(_routes(document, paths))
    return sorted(found, key=lambda route: not route.reads)


def _routes(document: dict[str, Any], paths: Mapping[str, Any]) -> Iterator[Route]:
    examples = _Examples(document)
    base = _base(document)
    for path, item in paths.items():
        item = examples.resolved(item)
        if not path.startswith("/") or not isinstance(item, dict):
            continue
        for method in _METHODS:
            operation = item.get(method.lower())
            if isinstance(operation, dict) and not _OWN.match(path):
                parameters = [*_list(item.get("parameters")), *_list(operation.get("parameters"))]
                spec = _spec(examples, base + path, method, operation, parameters)
                summary = operation.get("summary") or operation.get("operationId") or ""
                yield Route(spec, f"{method} {path}", str(summary).partition("\n")[0])


def _base(document: dict[str, Any]) -> str:
    """Give the path before all others: that of the first server, if it is on this host."""
    servers = _list(document.get("servers"))
    url = servers[0].get("url", "") if servers and isinstance(servers[0], dict) else ""
    return url.rstrip("/") if isinstance(url, str) and url.startswith("/") else ""


def _spec(
    examples: _Examples, path: str, method: str, operation: dict[str, Any], parameters: list[Any]
) -> RequestSpec:
    asked: list[tuple[str, str]] = []
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for parameter in map(examples.resolved, parameters):
        if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
            continue
        name, place = parameter["name"], parameter.get("in")
        if place == "path":
            value = quote(_plain(examples.of_parameter(parameter)), safe="")
            path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
        elif parameter.get("required") is True:
            value = examples.of_parameter(parameter)
            if place == "query":
                asked += [(name, _plain(one)) for one in (value if isinstance(value, list) else [value])]
            elif place == "header":
                headers[name] = _plain(value)
            elif place == "cookie":
                cookies.append(f"{name}={_plain(value)}")
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    target = quote(path, safe="/%:@!$&'()*+,;=~-._") + (f"?{urlencode(asked)}" if asked else "")
    spec = RequestSpec(
        name=target if method == "GET" else f"{method} {target}", method=method, path=target, headers=headers
    )
    body = examples.resolved(operation.get("requestBody"))
    content = body.get("content") if isinstance(body, dict) else None
    if isinstance(content, dict):
        _fill(spec, content, examples)
    return spec


def _fill(spec: RequestSpec, content: dict[str, Any], examples: _Examples) -> None:
    """Give a request its body, in JSON if the app takes that."""
    kind = next(
        (kind for kind in content if kind.partition(";")[0].endswith("json")), next(iter(content), "")
    )
    value = examples.of_parameter(content[kind]) if isinstance(content.get(kind), dict) else None
    if kind.partition(";")[0].endswith("json"):
        spec.json = value
    elif kind == "application/x-www-form-urlencoded" and isinstance(value, dict):
        spec.body = urlencode({name: _plain(one) for name, one in value.items()})
        spec.headers = {**spec.headers, "content-type": kind}
    elif kind.startswith("text/"):
        spec.body = _plain(value)
        spec.headers = {**spec.headers, "content-type": kind}


class _Examples:
    """Values that fit the schemas of a document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def resolved(self, node: Any) -> Any:
        """Follow `$ref` inside of the document."""
        for _ in range(DEEP):
            reference = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                break
            node = self._document
            for word in reference[2:].split("/"):
                key = word.replace("~1", "/").replace("~0", "~")
                node = node.get(key) if isinstance(node, dict) else None
        return node

    def of_parameter(self, holder: dict[str, Any]) -> Any:
        """Give the value of a parameter or a body: its own example, else that of its schema."""
        if "example" in holder:
            return holder["example"]
        named = holder.get("examples")
        if isinstance(named, dict):
            for example in map(self.resolved, named.values()):
                if isinstance(example, dict) and "value" in example:
                    return example["value"]
        return self._of(holder.get("schema"), 0)

    def _of(self, schema: Any, depth: int) -> Any:
        schema = self.resolved(schema)
        if not isinstance(schema, dict) or depth > DEEP:
            return None
        for key in ("example", "const", "default"):
            if schema.get(key) is not None:
                return schema[key]
        for key in ("examples", "enum"):
            if listed := _list(schema.get(key)):
                return listed[0]
        if parts := _list(schema.get("allOf")):
            values = [self._of(part, depth + 1) for part in parts]
            tables = [value for value in values if isinstance(value, dict)]
            own = self._table(schema, depth) if "properties" in schema else {}
            return {key: value for table in [*tables, own] for key, value in table.items()} or values[0]
        for key in ("oneOf", "anyOf"):
            for part in _list(schema.get(key)):
                if self.resolved(part) != {"type": "null"}:
                    return self._of(part, depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), None)
        if kind == "object" or "properties" in schema:
            return self._table(schema, depth)
        if kind == "array":
            count = max(_whole(schema.get("minItems")), 1)
            return [self._of(schema.get("items"), depth + 1)] * min(count, DEEP)
        if kind in ("integer", "number"):
            return _number(schema, whole=kind == "integer")
        if kind == "boolean":
            return True
        return _text(schema) if kind == "string" else None if kind == "null" else "a"

    def _table(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return {}
        required = schema.get("required")
        wanted = required if isinstance(required, list) else []
        return {name: self._of(properties[name], depth + 1) for name in properties if name in wanted}


def _number(schema: dict[str, Any], whole: bool) -> float | int:
    """Give the least number that a schema allows, or 1."""
    step = 1 if whole else 0.5
    above, least = schema.get("exclusiveMinimum"), schema.get("minimum")
    below, most = schema.get("exclusiveMaximum"), schema.get("maximum")
    value: float | int = 1
    if _is_number(least):
        # Before OpenAPI 3.1 `exclusiveMinimum` is a flag.
        value = least + step if above is True else least
    elif _is_number(above):
        value = above + step
    elif _is_number(most) and most < value:
        value = most - step if below is True else most
    elif _is_number(below) and below <= value:
        value = below - step
    multiple = schema.get("multipleOf")
    if _is_number(multiple) and multiple > 0:
        value = math.ceil(value / multiple) * multiple
    return math.ceil(value) if whole else value


def _text(schema: dict[str, Any]) -> str:
    text = _FORMATS.get(str(schema.get("format")), "a")
    return text.ljust(min(_whole(schema.get("minLength")), 1_000), "a")


def _plain(value: Any) -> str:
    """Write a value as a path, a query and a header have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    return "" if value is None else str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
