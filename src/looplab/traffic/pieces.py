"""A plan, taken apart for who writes it in another language."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce

from looplab.traffic.plan import Plan, RequestSpec
from looplab.traffic.template import Piece, Writer, in_path, split, split_json

ENDLESS_S = 10
"""How long a command runs whose plan goes on until it is stopped."""


def kinds(plan: Plan) -> list[RequestSpec]:
    """Give the kinds of requests of a plan."""
    return plan.mix or [RequestSpec()]


def seconds(plan: Plan) -> float:
    """Give the length of a plan that ends by time, without its warm-up."""
    if plan.stages:
        return sum(stage.duration for stage in plan.stages)
    return plan.duration or plan.max_duration or ENDLESS_S


def body(spec: RequestSpec, names: Sequence[str]) -> list[Piece]:
    """Give the body of a request, cut at its variables."""
    return split(spec.body, names) if spec.json is None else split_json(spec.json, names)


def headers(spec: RequestSpec) -> dict[str, str]:
    """Give the headers of a request, with the type of a JSON body."""
    if spec.json is None or "content-type" in (name.lower() for name in spec.headers):
        return spec.headers
    return {"content-type": "application/json", **spec.headers}


def header_pieces(spec: RequestSpec, names: Sequence[str]) -> dict[str, list[Piece]]:
    """Give the headers of a request, each value cut at its variables."""
    return {name: split(value, names) for name, value in headers(spec).items()}


def path_pieces(spec: RequestSpec, names: Sequence[str]) -> list[Piece]:
    """Give the path of a request, cut at its variables."""
    return split(spec.path, names, in_path)


def varied(plan: Plan) -> bool:
    """Tell whether requests have variables in them."""
    names = list(plan.variables)
    return any(
        isinstance(piece, tuple)
        for spec in kinds(plan)
        for pieces in (path_pieces(spec, names), body(spec, names), *header_pieces(spec, names).values())
        for piece in pieces
    )


def joined(
    pieces: list[Piece], quoted: Callable[[str], str], value: Callable[[str, Writer], str], plus: str
) -> str:
    """Write a text with variables as an expression of another language."""
    terms: list[str] = []
    plain = ""
    for piece in [*pieces, ("", str)]:
        if isinstance(piece, str):
            plain += piece
            continue
        if plain:
            terms.append(quoted(plain))
            plain = ""
        if piece[0]:
            terms.append(value(*piece))
    return plus.join(terms) or quoted("")


def ratio(values: Sequence[float]) -> tuple[list[int], int]:
    """Give whole numbers and the divisor that makes them these values."""
    fractions = [Fraction(value).limit_denominator(1000) for value in values]
    divisor = reduce(math.lcm, (fraction.denominator for fraction in fractions), 1)
    return [int(fraction * divisor) for fraction in fractions], divisor
