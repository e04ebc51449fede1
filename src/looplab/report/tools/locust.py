"""Locust: the locustfile that the engine runs too, without what tells a lab of it."""

from __future__ import annotations

from looplab.locust.limits import notes, obstacle
from looplab.locust.script import script, words
from looplab.traffic.plan import Plan

from .base import Equivalent, command, file


def locust(plan: Plan, url: str, stem: str) -> Equivalent:
    """Write the locustfile and its command."""
    if reason := obstacle(plan):
        return Equivalent("locust", notes=(reason,))
    name = f"{stem}.py"
    typed = command("locust", "-f", name, *words(plan))
    content = script(plan, host=url)
    return Equivalent("locust", f"{file(name, content)}\n{typed}", tuple(notes(plan)), content, typed)
