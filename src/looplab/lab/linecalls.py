"""Which call of a library a line makes, by its text and the stack above it.

Of a process that stands still as a whole nobody can read more: no position in the line, no objects.
"""

from __future__ import annotations

import ast
import linecache
import re
from functools import lru_cache
from typing import Final

from looplab.probe.calls import imported, written
from looplab.probe.stacks import Place, Stack

MOST_FILES: Final = 16

QUICK: Final = (
    "abs",
    "bool",
    "float",
    "getattr",
    "int",
    "isinstance",
    "len",
    "range",
    "round",
    "str",
    "type",
)
"""Calls beside which another one on the line is meant."""

_MODULE: Final = re.compile(r"/(?:site-packages|dist-packages|python3\.\d+t?)/(.+?)(?:/__init__)?\.pyc?$")
_FROZEN: Final = re.compile(r"<frozen (importlib)")

Statement = ast.Call | ast.Import | ast.ImportFrom


class Source:
    """The calls and imports of a file, and what its imports are called."""

    def __init__(self, tree: ast.Module) -> None:
        """Look at a file."""
        self.imports: dict[str, str] = {}
        """Names that imports have made, and what each means."""
        self.found: list[Statement] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    first = each.name.partition(".")[0]
                    self.imports[each.asname or first] = each.name if each.asname else first
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for each in node.names:
                    self.imports[each.asname or each.name] = f"{node.module}.{each.name}"
            if isinstance(node, Statement):
                self.found.append(node)

    def name(self, call: ast.Call) -> str:
        """Write a call with the names of the modules in full; empty if it is none of something imported."""
        text = written(call.func)
        root, dot, rest = text.partition(".")
        return f"{self.imports[root]}{dot}{rest}" if root in self.imports else ""


def call_on_line(place: Place, stack: Stack) -> str:
    """Name the one call that a line makes; empty if it makes several and the stack does not tell which."""
    if not place.file:
        return ""
    source = _source(place.file, "".join(linecache.getlines(place.file)))
    if source is None:
        return ""
    here = [node for node in source.found if node.lineno <= place.line <= (node.end_lineno or node.lineno)]
    above = _above(place, stack)
    for node in here:
        if not isinstance(node, ast.Call) and above is not None and _FROZEN.match(above[0]):
            return imported(node)
    calls = [node for node in here if isinstance(node, ast.Call) and written(node.func) not in QUICK]
    if above is not None and len(calls) > 1:
        calls = [call for call in calls if written(call.func).rpartition(".")[2] == above[2]]
    if len(calls) == 1 and (name := source.name(calls[0])):
        return name
    if above is not None and (module := _MODULE.search(above[0])) and not above[2].startswith("<"):
        return f"{module[1].replace('/', '.')}.{above[2]}"
    return written(calls[0].func) if len(calls) == 1 and above is None else ""


def _above(place: Place, stack: Stack) -> tuple[str, int, str] | None:
    """Give the frame that the line has called; innermost frames stand last in a stack."""
    here = (place.file, place.line, place.function)
    at = max((number for number, frame in enumerate(stack) if frame == here), default=len(stack))
    return stack[at + 1] if at + 1 < len(stack) else None


@lru_cache(maxsize=MOST_FILES)
def _source(_file: str, text: str) -> Source | None:
    try:
        return Source(ast.parse(text))
    except (SyntaxError, ValueError):
        return None
