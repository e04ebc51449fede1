"""What a machine must have for a scenario beyond looplab itself, read from its file and its apps."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .app_source import AppSource

LIBRARIES = {
    "asyncpg": "postgres",
    "flask": "flask",
    "numpy": "numpy",
    "psycopg": "postgres",
    "psycopg_pool": "postgres",
    "requests": "requests",
}
"""Libraries that a scenario's app may import and looplab does not bring along, and what they are called
in the list of needs."""


def needed_by(files: Iterable[Path]) -> set[str]:
    """Name what the apps in these files import."""
    needs = set()
    for file in files:
        needs |= {LIBRARIES[module] for module in AppSource(file).imported if module in LIBRARIES}
    return needs
