"""State expressions of the presenter's steps: what a step may wait for."""

from __future__ import annotations

from .errors import mend
from .expression import Expression, ExpressionError

STATES = (
    "loop.lag_ms",
    "loop.stalls",
    "loop.busy",
    "in_flight",
    "queued",
    "threads.held",
    "threads.busy",
    "threads.waiting",
    "done",
    "ok",
    "errors",
    "rps",
    "elapsed_s",
)
"""Numbers of the present run. `done` counts answers of any kind; `loop.*` is that of the worst worker."""


def check_until(text: str) -> str | None:
    """Look for a mistake in a state expression; None if it can be evaluated."""
    try:
        for name in Expression(text, comparison=True).names:
            if name not in STATES:
                return f'"{name}" is not a state; {mend(name, STATES)}'
    except ExpressionError as error:
        return str(error)
    return None
