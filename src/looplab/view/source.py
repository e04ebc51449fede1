"""The code that the code panel prints: found by Python's own parser, coloured once."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]
from pygments.token import Token  # type: ignore[import-untyped]

_KINDS: tuple[tuple[Any, str], ...] = (
    (Token.Comment, "comment"),
    (Token.Keyword, "keyword"),
    (Token.Operator.Word, "keyword"),
    (Token.Literal.String, "string"),
    (Token.Literal.Number, "number"),
    (Token.Name.Decorator, "decorator"),
    (Token.Name.Function, "name"),
    (Token.Name.Class, "name"),
)

Line = tuple[tuple[str, str], ...]
"""A line of code as `(text, kind)`; the kind is empty for plain text."""


@dataclass(frozen=True)
class Listing:
    """A file, line by line."""

    path: str
    lines: tuple[Line, ...]
    functions: tuple[tuple[str, int, int], ...]
    """`(name, first line, last line)` with decorators, in the order of the file; lines count from 1."""

    def around(self, name: str) -> tuple[int, int] | None:
        """Find the lines of a function by its name; the first one of that name."""
        for function, first, last in self.functions:
            if function == name:
                return first, last
        return None

    def has(self, line: int, text: str) -> bool:
        """Tell whether a line of the file reads so, whatever blanks are in it."""
        here = "".join(part for part, _ in self.lines[line - 1]) if 0 < line <= len(self.lines) else ""
        return here.split() == text.split()

    def holding(self, line: int) -> tuple[int, int] | None:
        """Find the innermost function that a line belongs to."""
        found = [(first, last) for _, first, last in self.functions if first <= line <= last]
        return max(found, default=None)


EMPTY = Listing("", (), ())


@lru_cache(maxsize=16)
def _read(path: str, modified_ns: int) -> Listing:
    try:
        text = Path(path).read_text("utf-8", errors="replace")
    except OSError:
        return EMPTY
    lines: list[list[tuple[str, str]]] = [[]]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text.expandtabs(4)):
        kind = next((name for base, name in _KINDS if token in base), "")
        for index, part in enumerate(value.split("\n")):
            if index:
                lines.append([])
            if part:
                lines[-1].append((part, kind))
    return Listing(path, tuple(tuple(line) for line in lines), tuple(_functions(text)))


def _functions(text: str) -> list[tuple[str, int, int]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    found = [
        (
            node.name,
            min([node.lineno, *(d.lineno for d in node.decorator_list)]),
            node.end_lineno or node.lineno,
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(found, key=lambda function: function[1])


def lone_line(path: str, line: int, text: str) -> Listing:
    """Make the listing of a file of which one line alone is known."""
    return Listing(path, (*((),) * (line - 1), ((text, ""),)), ())


def listing(path: str) -> Listing:
    """Read a file once for each time it was saved. A file that cannot be read has no lines."""
    if not path:
        return EMPTY
    try:
        modified_ns = Path(path).stat().st_mtime_ns
    except OSError:
        return EMPTY
    return _read(path, modified_ns)
