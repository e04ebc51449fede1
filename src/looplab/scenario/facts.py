"""`[facts]`: what a scenario asks of its database before and after a run."""

from __future__ import annotations

import re

from .errors import written
from .services import Services
from .table import Table


def read_facts(table: Table, services: Services) -> dict[str, str]:
    """Read the queries by name. Whether a query is right, the database says when a run begins.

    Raises:
        ScenarioError: a name that a claim cannot have, no text, or no database to ask.
    """
    for name, query in table.raw.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise table.problem(name, "expected a name of small letters, digits and _")
        if not isinstance(query, str) or not query.strip():
            raise table.problem(name, f"expected an SQL query with one number, got {written(query)}")
    if table.raw and not services.postgres:
        raise table.problem("", "there is no database to ask; add [services] with postgres = true")
    return dict(table.raw)
