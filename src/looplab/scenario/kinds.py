"""Whether an app is called as ASGI or as WSGI, read from its text where that leaves no doubt."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Literal

Kind = Literal["asgi", "wsgi"]

_MAKERS: dict[tuple[str, str], Kind] = {
    ("fastapi", "FastAPI"): "asgi",
    ("starlette", "Starlette"): "asgi",
    ("litestar", "Litestar"): "asgi",
    ("quart", "Quart"): "asgi",
    ("flask", "Flask"): "wsgi",
    ("django", "get_asgi_application"): "asgi",
    ("django", "get_wsgi_application"): "wsgi",
}
"""What makes an app, by its package and its name."""


_ARGUMENTS: dict[tuple[type[ast.stmt], int], Kind] = {
    (ast.AsyncFunctionDef, 3): "asgi",
    (ast.FunctionDef, 2): "wsgi",
}
"""What a plain function is, by its number of arguments."""


def kind_of(file: Path, name: str, factory: bool = False) -> Kind | None:
    """Tell the kind of an app that its module binds once, at the top.

    It is known of what a known framework makes, also in a function of the module, and of plain functions.

    Args:
        file: of the module.
        name: of the app in it.
        factory: whether that is a function which makes the app.

    Returns:
        None where the app must be imported to know.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    if _bindings(tree, name) != 1:
        return None
    imported = _imported(tree.body)
    made = {
        node.name: kind
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and (kind := _made(node, imported)) is not None
    }
    if factory:
        return made.get(name)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return None if node.decorator_list else _ARGUMENTS.get((type(node), _required(node.args)))
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                function = node.value.func
                own = isinstance(function, ast.Name) and _bindings(tree, function.id) == 1
                return made.get(ast.unparse(function)) if own else _maker(function, imported)
    return None


def _bindings(tree: ast.Module, name: str) -> int:
    """Count how often a module gives a name to something of its own."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return sum(
        (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (isinstance(node, functions) and node.name == name)
        for node in ast.walk(tree)
    )


def _made(function: ast.FunctionDef, imported: dict[str, str]) -> Kind | None:
    """Tell the kind of what a function makes; None if it returns anything that is not bound once to that."""
    nodes = list(ast.walk(function))
    names = imported | _imported([node for node in nodes if isinstance(node, ast.stmt)])
    stored = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    values = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and stored.count(target.id) == 1
    }
    kinds = set()
    for node in nodes:
        if isinstance(node, ast.Return):
            value = node.value
            if isinstance(value, ast.Name):
                value = values.get(value.id)
            kinds.add(_maker(value.func, names) if isinstance(value, ast.Call) else None)
    return kinds.pop() if len(kinds) == 1 else None


def _maker(function: ast.expr, imported: dict[str, str]) -> Kind | None:
    package, _, maker = _dotted(function, imported).partition(".")
    return _MAKERS.get((package, maker.rpartition(".")[2]))


def _required(arguments: ast.arguments) -> int:
    """Count the arguments that must be given by their place; -1 where any number may be."""
    if arguments.vararg is not None:
        return -1
    return len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)


def _imported(body: list[ast.stmt]) -> dict[str, str]:
    """Give what the names stand for that are imported by statements."""
    names: dict[str, str] = {}
    for node in body:
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _dotted(function: ast.expr, imported: dict[str, str]) -> str:
    """Write what is called in full; empty for anything but a name that was imported."""
    rest = ""
    while isinstance(function, ast.Attribute):
        rest = f".{function.attr}{rest}"
        function = function.value
    if not isinstance(function, ast.Name) or function.id not in imported:
        return ""
    return imported[function.id] + rest
