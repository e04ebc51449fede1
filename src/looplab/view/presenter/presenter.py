"""Where a talk is, and when it goes on: pure, so that a talk can be played without a screen or a server.

A step has one or two texts: what it says, and the answer, if it has one. A text stands for a while at
least, and then the step goes on: when its state is reached, at once if it plays by itself, and whenever
the speaker wants. The state need be reached only once; what a step waits for may be over in a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from looplab.scenario import Expression, Scene, Step, Talk
from looplab.view.presenter.states import Numbers
from looplab.wire.clock import S

WORDS_A_SECOND: Final = 2.6
"""How fast a room reads what a speaker also says."""
LOOK_S: Final = 3.0
"""Seconds for the picture, beside those for the text."""
PATIENCE_NS: Final = 30 * S
"""A talk that plays by itself waits no longer for a state."""


@dataclass(frozen=True)
class Go:
    """What the run has to do: take what a step sets, or open its scene first."""

    scene: Scene
    step: int
    """Place of the step in its scene."""
    anew: bool
    """Whether the scene is opened, and all its steps up to this one are taken."""


class Presenter:
    """A talk and the place in it; -1 is before the first step."""

    def __init__(self, talk: Talk, *, auto: bool = False) -> None:
        """Prepare.

        Args:
            talk: what is told.
            auto: whether it goes on by itself everywhere.
        """
        self.talk = talk
        self.auto = auto
        self.place = -1
        self.answering = False
        """Whether the answer stands in place of the question."""
        self.reached = False
        """Whether the state of the step was reached."""
        self.began_ns = 0
        """When the talk began, 0 before that."""
        self.step_ns = 0
        """When the present step began."""
        self._text_ns = 0
        self._steps = talk.steps
        self._until: Expression | None = None

    @property
    def count(self) -> int:
        """Steps of the talk."""
        return len(self._steps)

    @property
    def scene(self) -> Scene | None:
        """The present scene, None before the first step."""
        return self._steps[self.place][0] if self.place >= 0 else None

    @property
    def step(self) -> Step | None:
        """The present step, None before the first one."""
        return self._steps[self.place][1] if self.place >= 0 else None

    @property
    def following(self) -> Step | None:
        """The step after the present one, None at the end."""
        return self._steps[self.place + 1][1] if self.place + 1 < len(self._steps) else None

    @property
    def text(self) -> str:
        """What is said now."""
        step = self.step
        return "" if step is None else step.answer if self.answering else step.say

    @property
    def until(self) -> Expression | None:
        """What the present text waits for; None if that is nothing, or reached already."""
        return None if self.reached or self.answering else self._until

    @property
    def at_end(self) -> bool:
        """Whether the last text of the last step is said."""
        step = self.step
        return step is not None and self.following is None and (self.answering or not step.answer)

    def begins_at(self, scene: int) -> int:
        """Give the place of the first step of a scene."""
        return sum(len(before.steps) for before in self.talk.scenes[:scene])

    def next(self, now_ns: int) -> Go | None:
        """Go on: to the answer, or to the next step; None at the end, or if the run has nothing to do."""
        step = self.step
        if step is not None and step.answer and not self.answering:
            self.answering, self._text_ns = True, now_ns
            return None
        return self.go(self.place + 1, now_ns) if self.following is not None else None

    def back(self, now_ns: int) -> Go | None:
        """Go back: from the answer to the question, else to the step before; None at the first step."""
        if self.place < 0 or (self.place == 0 and not self.answering):
            return None
        return self.go(self.place - (not self.answering), now_ns, anew=True)

    def go(self, place: int, now_ns: int, *, anew: bool = False) -> Go:
        """Go to a step."""
        before = self.scene
        self.place = place
        scene, step = self._steps[place]
        self.began_ns = self.began_ns or now_ns
        self.step_ns = self._text_ns = now_ns
        self.answering = self.reached = False
        self._until = Expression(step.until, comparison=True) if step.until else None
        first = next(at for at, (other, _) in enumerate(self._steps) if other is scene)
        return Go(scene, place - first, anew or before is not scene)

    def follow(self, numbers: Numbers, now_ns: int) -> Go | None:
        """Look at the state, and go on if it is time.

        Args:
            numbers: the state; those that are not known yet are left out.
            now_ns: the present moment.
        """
        step = self.step
        if step is None:
            return None
        if self._until is not None and all(name in numbers for name in self._until.names):
            self.reached = self.reached or bool(self._until(numbers))
        if self.at_end or not self.goes_on or now_ns < self.due_ns:
            return None
        return self.next(now_ns)

    @property
    def goes_on(self) -> bool:
        """Whether the present text goes on by itself once it has stood for long enough."""
        if self.step is None or self.at_end:
            return False
        if self.answering or self._until is None:
            return self.auto
        return self.reached or self.auto

    @property
    def due_ns(self) -> int:
        """Moment from which on the present text goes on by itself, if it does."""
        step = self.step
        if step is None:
            return 0
        hold_s = float(step.hold) if step.hold is not None else reading_s(self.text)
        due_ns = self._text_ns + round(hold_s * S)
        if self.auto and self.until is not None:
            return max(due_ns, self._text_ns + PATIENCE_NS)
        return due_ns


def reading_s(text: str) -> float:
    """Give the seconds that a text needs, with a look at the picture."""
    return LOOK_S + len(text.split()) / WORDS_A_SECOND
