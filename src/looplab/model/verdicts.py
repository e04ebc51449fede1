"""Verdicts: what there is to say about a run, each one a small object that looks at the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from looplab.model.model import Model

Severity = Literal["error", "warning", "ok", "info"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing to say."""

    id: str
    severity: Severity
    text: str
    """The headline, a full sentence with numbers, at most about 70 columns."""
    detail: str = ""
    """A second line, or empty."""
    fragment: str = ""
    """The same in a few words, for a column or a count."""


def verdicts(model: Model, now_ns: int) -> list[Verdict]:
    """Give all verdicts, the most important first."""
    return []
