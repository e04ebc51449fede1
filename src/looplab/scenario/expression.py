"""Small arithmetic for claims and steps: numbers, names, and a handful of functions, nothing else.

A variant's id may hold hyphens and be a Python keyword (`async-blocking.rps`, `def.rps`), so the
grammar is our own. Nothing is ever handed to Python to evaluate.

Grammar::

    condition  = both ("or" both)*
    both       = comparison ("and" comparison)*
    comparison = sum [(">=" | "<=" | ">" | "<" | "==") sum]
    sum        = product (("+" | "-") product)*
    product    = factor (("*" | "/") factor)*
    factor     = "-" factor | number | name | function "(" sum ("," sum)* ")" | "(" condition ")"
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Mapping

from .errors import mend, one_of

Numbers = Mapping[str, float]
Node = Callable[[Numbers], float]

FUNCTIONS: dict[str, tuple[Callable[..., float], int]] = {
    "min": (min, 2),
    "max": (max, 2),
    "ceil": (math.ceil, 1),
    "abs": (abs, 1),
}
"""Functions, and how many arguments they need: exactly 1, or at least 2."""

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}
_SUM = {"+": operator.add, "-": operator.sub}
_PRODUCT = {"*": operator.mul, "/": operator.truediv}

_DEPTH = 40
"""Brackets in brackets; far beyond what a person reads, far below Python's own limit."""


class ExpressionError(Exception):
    """What is wrong with an expression, or why it has no value."""


class Expression:
    """A parsed expression: `names` is all it reads, and calling it with their numbers evaluates it."""

    def __init__(self, text: str, prefixes: Collection[str] = (), *, comparison: bool = False) -> None:
        """Parse.

        Args:
            text: the expression.
            prefixes: words before a dot that may hold hyphens: the ids of variants.
            comparison: whether it must be a condition (a step's `until`) or a number (a claim's side).
        """
        self.text = text
        self.names: list[str] = []
        self._tokens, self._places = _tokens(text, prefixes)
        self._at = 0
        self._depth = 0
        self._compared = False
        self._node = self._condition() if comparison else self._sum()
        if self._at < len(self._tokens):
            raise self._unexpected(self._at)
        if comparison and not self._compared:
            raise ExpressionError(f'"{text}": compares nothing; expected {one_of(COMPARE)} in it')

    def __call__(self, numbers: Numbers) -> float:
        """Evaluate; a condition gives 1.0 or 0.0.

        Raises:
            ExpressionError: it divides by zero.
            KeyError: a name is not among the numbers.
        """
        try:
            return float(self._node(numbers))
        except ZeroDivisionError:
            raise ExpressionError(f'"{self.text}": divides by zero') from None

    def _unexpected(self, at: int) -> ExpressionError:
        return ExpressionError(f'"{self.text}": unexpected "{self._tokens[at]}" at column {self._places[at]}')

    def _take(self, *wanted: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            self._at += 1
            return self._tokens[self._at - 1]
        return ""

    def _condition(self) -> Node:
        node = self._both()
        while self._take("or"):
            node = _either(node, self._both())
        return node

    def _both(self) -> Node:
        node = self._comparison()
        while self._take("and"):
            node = _and(node, self._comparison())
        return node

    def _comparison(self) -> Node:
        node = self._sum()
        if sign := self._take(*COMPARE):
            self._compared = True
            node = _apply(COMPARE[sign], node, self._sum())
        return node

    def _sum(self) -> Node:
        node = self._product()
        while sign := self._take(*_SUM):
            node = _apply(_SUM[sign], node, self._product())
        return node

    def _product(self) -> Node:
        node = self._factor()
        while sign := self._take(*_PRODUCT):
            node = _apply(_PRODUCT[sign], node, self._factor())
        return node

    def _factor(self) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            raise ExpressionError(f"more than {_DEPTH} brackets in one another")
        node = self._bare_factor()
        self._depth -= 1
        return node

    def _bare_factor(self) -> Node:
        if self._take("-"):
            return _apply(operator.mul, _number(-1.0), self._factor())
        if self._take("("):
            node = self._condition()
            self._close()
            return node
        if self._at == len(self._tokens):
            raise ExpressionError(f'"{self.text}": ends too early; expected a number or a name')
        token = self._tokens[self._at]
        self._at += 1
        if token[0].isdigit():
            return _number(float(token))
        if not token[0].isalpha() or token in ("and", "or"):
            raise self._unexpected(self._at - 1)
        if self._take("("):
            return self._call(token)
        self.names.append(token)
        return lambda numbers: numbers[token]

    def _call(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise ExpressionError(f'"{self.text}": "{name}" is not a function; {mend(name, FUNCTIONS)}')
        arguments = [self._sum()]
        while self._take(","):
            arguments.append(self._sum())
        self._close()
        function, least = FUNCTIONS[name]
        if (least == 1) != (len(arguments) == 1):
            amount = "one number" if least == 1 else "at least two numbers"
            raise ExpressionError(f'"{self.text}": {name} takes {amount}, got {len(arguments)}')
        return lambda numbers: function(*(argument(numbers) for argument in arguments))

    def _close(self) -> None:
        if not self._take(")"):
            place = f"column {self._places[self._at]}" if self._at < len(self._tokens) else "its end"
            raise ExpressionError(f'"{self.text}": expected ")" at {place}')


def _number(value: float) -> Node:
    return lambda numbers: value


def _apply(function: Callable[[float, float], float], left: Node, right: Node) -> Node:
    return lambda numbers: function(left(numbers), right(numbers))


def _either(left: Node, right: Node) -> Node:
    return lambda numbers: bool(left(numbers)) or bool(right(numbers))


def _and(left: Node, right: Node) -> Node:
    return lambda numbers: bool(left(numbers)) and bool(right(numbers))


def _tokens(text: str, prefixes: Collection[str]) -> tuple[list[str], list[int]]:
    """Split the text into words and their columns, from 1.

    A known prefix before a dot is one word even with hyphens in it.
    """
    known = "|".join(re.escape(word) for word in sorted(prefixes, key=len, reverse=True))
    path = r"(?:\.[a-z0-9_]+|\[[0-9]+\])*"
    word = (
        rf"(?:(?:{known})(?=\.)|[A-Za-z][\w-]*(?=\.)|[A-Za-z]\w*){path}" if known else rf"[A-Za-z]\w*{path}"
    )
    pattern = re.compile(rf"\s*(?:(\d+(?:\.\d+)?|{word}|>=|<=|==|[-+*/()<>,])|(\S))", re.ASCII)
    tokens, places = [], []
    for match in pattern.finditer(text):
        if match[2]:
            raise ExpressionError(f'"{text}": unexpected "{match[2]}" at column {match.start(2) + 1}')
        tokens.append(match[1])
        places.append(match.start(1) + 1)
    if not tokens:
        raise ExpressionError("expected an expression, got an empty text")
    return tokens, places
