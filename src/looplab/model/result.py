"""The RUN object of `looplab bench --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from looplab.model.model import Model


def result(model: Model) -> dict[str, Any]:
    """Give the run as plain data, by the names of the JSON contract."""
    return {}
