"""Which call of a library a line of the user's code has made, as people write it: `requests.get`.

C functions have no frame, so the name is cut out of the source line, at the position of the instruction,
and looked up where it stands; a library's function in Python has a frame of its own, which tells the rest.
Nothing of the application is called for it: only dictionaries of modules, classes and objects are read.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import sys
from collections.abc import Callable
from itertools import islice
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Final

from looplab.probe.faults import clean
from looplab.probe.names import UNKNOWN, attribute, frame_name, module_of, own_name, shortest, type_name

MOST_KNOWN: Final = 1_000
"""Calls whose names are remembered; a program stalls in few."""

MOST_LINES: Final = 200
"""A longer statement is not read."""

LONGEST: Final = 60
"""Characters of a name; of more the end is left out."""

_STATEMENTS: Final = ("import ", "from ", "with ", "with(", "for ", "async with ", "async for ")


class Calls:
    """Names calls, each once."""

    def __init__(self, is_users: Callable[[str], bool]) -> None:
        """Take what tells whether a file is the user's code."""
        self._is_users = is_users
        self._known: dict[tuple[CodeType, int, CodeType | None], str] = {}

    def name(self, frame: FrameType, above: FrameType | None) -> str:
        """Name the call that a frame of the user's code makes now; empty if it makes none, or an unknown one.

        Args:
            frame: the deepest frame of the user's code.
            above: the library's frame that it has called, if there is one.
        """
        key = (frame.f_code, frame.f_lasti, above.f_code if above is not None else None)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            try:
                known = clean(self._find(frame, above))[:LONGEST]
            except Exception:
                # An object of the application may be of any kind; its call then stays unnamed.
                known = ""
            self._known[key] = known
        return known

    def _find(self, frame: FrameType, above: FrameType | None) -> str:
        node = expression(frame)
        if isinstance(node, ast.Import | ast.ImportFrom):
            return imported(node)
        called = node.func if isinstance(node, ast.Call) else None
        target = called if called is not None else node
        found, name = self._resolve(target, frame) if target is not None else (UNKNOWN, "")
        if called is None:
            # `with lock:` and `for row in cursor:` name an object, and what it is does the work.
            name = type_name(found) if found is not UNKNOWN and above is None else ""
        elif isinstance(found, FunctionType) and above is None:
            # It has no frame, so it is not what runs.
            return ""
        if name and not self._is_users_own(found):
            return name
        if above is not None:
            return frame_name(above)
        return written(called) if called is not None and not name else ""

    def _is_users_own(self, found: Any) -> bool:
        module = sys.modules.get(module_of(found))
        return module is not None and self._is_users(getattr(module, "__file__", None) or "<unknown>")

    def _resolve(self, node: ast.expr, frame: FrameType) -> tuple[Any, str]:
        """Find the object that an expression names, and the name that people know it by."""
        if isinstance(node, ast.Name):
            found = _variable(node.id, frame)
            if isinstance(found, ModuleType):
                return found, found.__name__
            if found is not UNKNOWN and found is getattr(builtins, node.id, UNKNOWN):
                return found, node.id
            return found, own_name(found)
        if not isinstance(node, ast.Attribute):
            return UNKNOWN, ""
        holder, name = self._resolve(node.value, frame)
        if isinstance(holder, ModuleType):
            found = vars(holder).get(node.attr, sys.modules.get(f"{holder.__name__}.{node.attr}", UNKNOWN))
            if isinstance(found, ModuleType) or not self._is_users(
                getattr(holder, "__file__", None) or "<unknown>"
            ):
                return found, shortest(f"{name}.{node.attr}", found)
            return found, own_name(found)
        if holder is UNKNOWN:
            return UNKNOWN, ""
        return attribute(holder, node.attr)


def expression(frame: FrameType) -> ast.expr | ast.Import | ast.ImportFrom | None:
    """Read the part of the source that a frame executes now; None if that is no whole expression.

    Of `with` and `for`, whose instructions stand for the whole statement, it is what stands behind the word.
    """
    positions = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    first, last, begin, end = positions
    if first is None or last is None or begin is None or end is None or last - first > MOST_LINES:
        return None
    lines = [
        linecache.getline(frame.f_code.co_filename, number, frame.f_globals).encode()
        for number in range(first, last + 1)
    ]
    before = lines[0][:begin].rstrip()
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    text = b"".join(lines).decode()
    if before.endswith(b"."):
        # The compiler names only the last part of a chain that is written on several lines.
        text = f"(...).{text}"
    return parsed(text)


def parsed(text: str) -> ast.expr | ast.Import | ast.ImportFrom | None:
    """Read an expression, an import, or the head of a `with` or a `for`; None if it is none of them."""
    try:
        if not text.startswith(_STATEMENTS):
            node = ast.parse(f"({text}\n)", mode="eval").body
            return node.value if isinstance(node, ast.Await) else node
        statement = ast.parse(text).body[0]
    except (SyntaxError, ValueError, IndexError):
        return None
    match statement:
        case ast.Import() | ast.ImportFrom():
            return statement
        case ast.With(items=[item]) | ast.AsyncWith(items=[item]):
            return item.context_expr
        case ast.For() | ast.AsyncFor():
            return statement.iter
        case _:
            return None


def imported(node: ast.Import | ast.ImportFrom) -> str:
    """Name an import."""
    if isinstance(node, ast.Import):
        return f"import {node.names[0].name}"
    return f"import {'.' * node.level}{node.module or ''}"


def written(node: ast.expr) -> str:
    """Write a called expression without its arguments: `a.b(…).d`."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{written(node.value)}.{node.attr}"
        case ast.Call():
            return f"{written(node.func)}(…)"
        case ast.Subscript():
            return f"{written(node.value)}[…]"
        case _:
            return "…"


def _variable(name: str, frame: FrameType) -> Any:
    code = frame.f_code
    if name in code.co_varnames or name in code.co_cellvars or name in code.co_freevars:
        return frame.f_locals.get(name, UNKNOWN)
    return frame.f_globals.get(name, getattr(builtins, name, UNKNOWN))
