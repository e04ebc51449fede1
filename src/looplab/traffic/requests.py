"""The requests of a plan, built once: a request that is sent is two byte strings and a number."""

from __future__ import annotations

import random
import re
from bisect import bisect
from itertools import accumulate

from looplab.traffic.address import authority
from looplab.traffic.errors import JobError
from looplab.traffic.plan import RequestSpec, Target

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH = re.compile(r"[/?*][\x21-\x7e]*")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_WITH_BODY = ("POST", "PUT", "PATCH")
_OK = frozenset(range(200, 400))


class Prepared:
    """One kind of request for one server, as bytes with a gap for its number."""

    __slots__ = ("before", "behind", "expect", "head", "name")

    def __init__(self, name: int, spec: RequestSpec, target: Target) -> None:
        """Build the bytes.

        Args:
            name: index into the mix.
            spec: what to ask for.
            target: whom to ask.

        Raises:
            JobError: method, path or a header cannot stand in an HTTP request.
        """
        self.name = name
        self.head = spec.method == "HEAD"
        """The answer has no body, whatever its headers say."""
        self.expect = frozenset(spec.expect) or _OK
        _check(spec)
        body = spec.body.encode()
        given = {key.lower() for key in spec.headers}
        lines = [f"{spec.method} {spec.path} HTTP/1.1"]
        if "host" not in given:
            lines.append(f"host: {authority(target.host, target.port)}")
        if "content-length" not in given and (body or spec.method in _WITH_BODY):
            lines.append(f"content-length: {len(body)}")
        lines += [f"{key}: {value}" for key, value in spec.headers.items()]
        self.before = "\r\n".join([*lines, "x-looplab-id: "]).encode("latin-1")
        self.behind = b"\r\n\r\n" + body


def _check(spec: RequestSpec) -> None:
    where = f"request {spec.name!r}"
    if not _TOKEN.fullmatch(spec.method) or spec.method == "CONNECT":
        raise JobError(f"{where}: {spec.method!r} is no method; GET, POST, PUT, PATCH, DELETE or HEAD are")
    if not _PATH.fullmatch(spec.path):
        raise JobError(
            f"{where}: path {spec.path!r} must begin with / and hold no blank; write a blank as %20"
        )
    for key, value in spec.headers.items():
        if not _TOKEN.fullmatch(key) or not _VALUE.fullmatch(value):
            raise JobError(f"{where}: header {key!r} holds characters that HTTP does not allow")
    if not spec.weight > 0:
        raise JobError(f"{where}: weight must be above 0, not {spec.weight:g}")
    for status in spec.expect:
        if not 100 <= status <= 999:
            raise JobError(f"{where}: expect: {status} is no HTTP status")


class Mix:
    """Which kind of request comes next: a weighted choice with a seed, so the order can be repeated."""

    def __init__(self, specs: list[RequestSpec], targets: list[Target], seed: int) -> None:
        """Prepare every kind of request for every target; no kind at all means `GET /`."""
        specs = specs or [RequestSpec()]
        self._prepared = [
            [Prepared(name, spec, target) for name, spec in enumerate(specs)] for target in targets
        ]
        self._weights = list(accumulate(spec.weight for spec in specs))
        self._seed = seed
        self.restart()

    def restart(self) -> None:
        """Begin the order anew."""
        self._random = random.Random(self._seed).random

    def next(self, target: int) -> Prepared:
        """Give the next request of the order, for the target of that index."""
        kinds = self._prepared[target]
        if len(kinds) == 1:
            return kinds[0]
        return kinds[bisect(self._weights, self._random() * self._weights[-1], 0, len(kinds) - 1)]
