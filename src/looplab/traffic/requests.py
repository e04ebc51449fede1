"""The requests of a plan, built once: a request that is sent is two byte strings and a number.

One with variables is two templates, filled in each time.
"""

from __future__ import annotations

import random
import re
from bisect import bisect
from itertools import accumulate

from looplab.traffic.address import authority
from looplab.traffic.errors import JobError
from looplab.traffic.plan import Plan, RequestSpec, Target, Variable
from looplab.traffic.template import Piece, Template, Values, in_path, split, split_json, unknown

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH = re.compile(r"[/?*][\x21-\x7e]*")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_WITH_BODY = ("POST", "PUT", "PATCH")
_OK = frozenset(range(200, 400))


class Prepared:
    """One request for one server, as bytes with a gap for its number."""

    __slots__ = ("before", "behind", "expect", "head", "keep_alive", "name")

    def __init__(
        self, name: int, *, head: bool, expect: frozenset[int], keep_alive: bool, before: bytes, behind: bytes
    ) -> None:
        self.name = name
        """Index into the mix."""
        self.head = head
        """The answer has no body, whatever its headers say."""
        self.expect = expect
        """Statuses that count as ok."""
        self.keep_alive = keep_alive
        """False closes the connection behind the answer."""
        self.before = before
        self.behind = behind


class Kind:
    """One kind of request for one server."""

    def __init__(self, name: int, spec: RequestSpec, target: Target, plan: Plan) -> None:
        """Build the templates.

        Args:
            name: index into the mix.
            spec: what to ask for.
            target: whom to ask.
            plan: holds the variables and what all requests have in common.

        Raises:
            JobError: method, path or a header cannot stand in an HTTP request.
        """
        _check(spec, plan.variables)
        names = plan.variables
        body = split(spec.body, names) if spec.json is None else split_json(spec.json, names)
        given = {key.lower() for key in spec.headers}
        lines: list[list[Piece]] = [
            [f"{spec.method} ", *split(spec.path, names, in_path), " HTTP/1.1"],
        ]
        if "host" not in given:
            lines.append([f"host: {authority(target.host, target.port)}"])
        if spec.json is not None and "content-type" not in given:
            lines.append(["content-type: application/json"])
        if not plan.keep_alive and "connection" not in given:
            lines.append(["connection: close"])
        has_body = any(body) or spec.method in _WITH_BODY
        self._measured = "content-length" not in given and has_body
        lines += [[f"{key}: ", *split(value, names)] for key, value in spec.headers.items()]
        self._head = Template([piece for line in lines for piece in (*line, "\r\n")])
        self._body = Template(body)
        self._name = name
        self._is_head = spec.method == "HEAD"
        self._expect = frozenset(spec.expect) or _OK
        self._keep_alive = plan.keep_alive
        self.names = sorted(self._head.names | self._body.names)
        """Variables that occur."""
        self.fixed = None if self.names else self.fill({})
        """The request, if it is always the same."""

    def fill(self, values: dict[str, str | int | float]) -> Prepared:
        """Give the request with these values of its variables."""
        body = self._body.fill(values).encode()
        length = f"content-length: {len(body)}\r\n" if self._measured else ""
        return Prepared(
            self._name,
            head=self._is_head,
            expect=self._expect,
            keep_alive=self._keep_alive,
            before=f"{self._head.fill(values)}{length}x-looplab-id: ".encode("latin-1"),
            behind=b"\r\n\r\n" + body,
        )


def _check(spec: RequestSpec, variables: dict[str, Variable]) -> None:
    where = f"request {spec.name!r}"
    if not _TOKEN.fullmatch(spec.method) or spec.method == "CONNECT":
        raise JobError(f"{where}: {spec.method!r} is no method; GET, POST, PUT, PATCH, DELETE or HEAD are")
    if not _PATH.fullmatch(spec.path):
        raise JobError(
            f"{where}: path {spec.path!r} must begin with / and hold no blank; write a blank as %20"
        )
    strange = unknown(spec.path, variables)
    if strange is not None:
        raise JobError(f"{where}: path {spec.path!r}: there is no variable {strange!r}")
    for key, value in spec.headers.items():
        if not _TOKEN.fullmatch(key) or not _VALUE.fullmatch(value):
            raise JobError(f"{where}: header {key!r} holds characters that HTTP does not allow")
        for name in Template(split(value, variables)).names:
            for choice in variables[name].choice or ():
                if not _VALUE.fullmatch(str(choice)):
                    raise JobError(
                        f"{where}: header {key!r}: variable {name!r} has a choice that HTTP does not allow"
                    )
    if not spec.weight > 0:
        raise JobError(f"{where}: weight must be above 0, not {spec.weight:g}")
    if spec.json is not None and spec.body:
        raise JobError(f"{where}: has body or json, not both")
    for status in spec.expect:
        if not 100 <= status <= 999:
            raise JobError(f"{where}: expect: {status} is no HTTP status")


class Mix:
    """Which kind of request comes next: a weighted choice with a seed, so the order can be repeated."""

    def __init__(self, plan: Plan, targets: list[Target], generator: int = 0, generators: int = 1) -> None:
        """Prepare every kind of request for every target; no kind at all means `GET /`.

        Args:
            plan: the mix, the seed, the variables.
            targets: the servers.
            generator: which of the generators this is: each has an order of its own.
            generators: how many there are.
        """
        specs = plan.mix or [RequestSpec()]
        self._kinds = [
            [Kind(name, spec, target, plan) for name, spec in enumerate(specs)] for target in targets
        ]
        self._only = [kinds[0].fixed if len(kinds) == 1 else None for kinds in self._kinds]
        self._weights = list(accumulate(spec.weight for spec in specs))
        self._last = len(specs) - 1
        self._seed = plan.seed + generator
        self._values = Values(plan.variables, plan.seed, generator, generators)
        self.restart()

    def restart(self) -> None:
        """Begin the order anew."""
        self._random = random.Random(self._seed).random
        self._values.restart()

    def set_weights(self, weights: list[float]) -> str:
        """Change how often each kind comes; say what is wrong with the weights, empty if nothing is."""
        if len(weights) != self._last + 1:
            return f"the mix has {self._last + 1} kinds of requests, not {len(weights)}"
        if not all(0 <= weight < float("inf") for weight in weights) or not sum(weights):
            return "the weights of the mix must be at least 0, and one above"
        self._weights = list(accumulate(weights))
        return ""

    def next(self, target: int, user: int = 0) -> Prepared:
        """Give the next request of the order, for the target of that index, by a user."""
        only = self._only[target]
        if only is not None:
            return only
        kind = self._kinds[target][bisect(self._weights, self._random() * self._weights[-1], 0, self._last)]
        return kind.fixed or kind.fill(self._values.draw(kind.names, user))
