"""What a scenario's app file defines, read from its text: a scenario is checked without running it."""

from __future__ import annotations

import ast
from pathlib import Path


class AppSource:
    """Names that a Python file binds."""

    def __init__(self, file: Path) -> None:
        """Parse the file. One with a syntax error counts as defining anything: the server will tell more."""
        self.functions: list[str] = []
        self.names: list[str] = []
        self.imported: set[str] = set()
        """Libraries, by the name of their package."""
        self.opaque = False
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            self.opaque = True
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.append(node.name)
            elif isinstance(node, ast.Import):
                self.imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self.imported.add(node.module.partition(".")[0])
        self._bind(tree.body)

    def _bind(self, body: list[ast.stmt]) -> None:
        """Collect the module's names; those bound under `if`, `try` and `with` are the module's too."""
        for node in body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    self.names.append(node.name)
                case ast.Import() | ast.ImportFrom():
                    self.opaque |= any(alias.name == "*" for alias in node.names)
                    self.names += [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
                case _:
                    self.names += [
                        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and _binds(part)
                    ]
                    for field in ("body", "orelse", "finalbody"):
                        self._bind(getattr(node, field, []))
                    for handler in getattr(node, "handlers", []):
                        self._bind(handler.body)


def _binds(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)
