"""What a step waits for, in words: `loop lag > 500 ms; now 210 ms`."""

from __future__ import annotations

import re
from typing import Final

from looplab.scenario import Expression
from looplab.view import format as write
from looplab.view.presenter.states import Numbers

_WORDS: Final = {
    "loop.lag_ms": "loop lag",
    "loop.stalls": "stalls",
    "loop.stall_ms": "longest stall",
    "loop.busy": "loop busy",
    "in_flight": "requests in flight",
    "queued": "queued requests",
    "threads.held": "threads held",
    "threads.busy": "threads at work",
    "threads.waiting": "requests without a thread",
    "done": "answers",
    "ok": "good answers",
    "errors": "failed requests",
    "rps": "req/s",
    "elapsed_s": "time",
    "finished": "finished",
}
_SIGNS: Final = {">=": "≥", "<=": "≤", "==": "="}
_NAME: Final = re.compile(r"[A-Za-z_][\w.\[\]]*")
_OPERATOR: Final = re.compile("|".join(_SIGNS))
_NUMBER_BEHIND: Final = re.compile(
    r"(?P<name>[A-Za-z_][\w.\[\]]*)(?P<op>\s*(?:>=|<=|==|>|<)\s*)(?P<number>\d[\d.]*)"
)


def condition(until: Expression) -> str:
    """Write a condition as people say it."""
    if until.text == "finished == 1":
        return "the traffic is over"
    text = _NUMBER_BEHIND.sub(
        lambda match: f"{match['name']}{match['op']}{amount(match['name'], float(match['number']))}",
        until.text,
    )
    names = set(until.names)
    text = _NAME.sub(lambda match: word(match[0]) if match[0] in names else match[0], text)
    return _OPERATOR.sub(lambda match: _SIGNS[match[0]], text)


def now(until: Expression, numbers: Numbers) -> str:
    """Write where the numbers of a condition stand."""
    names = list(dict.fromkeys(until.names))
    values = [amount(name, numbers.get(name)) for name in names]
    if len(names) == 1:
        return values[0]
    return ", ".join(f"{word(name)} {value}" for name, value in zip(names, values, strict=True))


def word(name: str) -> str:
    """Name a state."""
    return _WORDS.get(name, name.replace("_ms", "").replace(".", " ").replace("_", " "))


def amount(name: str, value: float | None) -> str:
    """Write a value of a state with its unit."""
    if value is None:
        return write.NOTHING
    if "_ms" in name:
        return write.duration(value)
    if name.endswith("_s"):
        return write.duration(1000 * value)
    if name.endswith("busy") and name.startswith("loop"):
        return f"{value:.0%}"
    return f"{value:,.0f}" if float(value).is_integer() or value >= 100 else f"{value:.1f}"
