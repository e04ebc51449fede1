"""What a step waits for and what leads on, in one line that fits beside its number."""

from __future__ import annotations

from looplab.view.presenter import words
from looplab.view.presenter.presenter import Presenter
from looplab.view.presenter.states import Numbers
from looplab.wire.clock import S


def status(presenter: Presenter, numbers: Numbers, now_ns: int) -> str:
    """Write the line of a moment; empty before the first step."""
    step = presenter.step
    if step is None:
        return ""
    if presenter.at_end:
        return "the end · p goes back"
    answers = bool(step.answer) and not presenter.answering
    goal = "the answer" if answers else "goes on"
    left_s = max(-(-(presenter.due_ns - now_ns) // S), 0)
    if (until := presenter.until) is not None:
        said = f"waits until {words.condition(until)}"
        if until.text == "finished == 1":
            return said
        return f"{said}; now {words.now(until, numbers)}"
    if presenter.goes_on:
        return f"{goal} in {left_s} s" if left_s else goal
    return "n shows the answer" if answers else "n goes on"
