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


def kind_of(file: Path, name: str) -> Kind | None:
    """Tell the kind of an app that its module binds once, at the top, to what a known framework makes.

    Args:
        file: of the module.
        name: of the app in it.

    Returns:
        None where the app must be imported to know.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    bound = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    if sum(isinstance(node.ctx, ast.Store) for node in bound) != 1:
        return None
    imported = _imported(tree)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                package, _, maker = _dotted(node.value.func, imported).partition(".")
                return _MAKERS.get((package, maker.rpartition(".")[2]))
    return None


def _imported(tree: ast.Module) -> dict[str, str]:
    """Give what the names that are imported at the top stand for."""
    names: dict[str, str] = {}
    for node in tree.body:
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
