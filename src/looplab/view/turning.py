"""Turning: what is changed of a run by keys and clicks, and when the lab is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from looplab.lab import Selection
from looplab.model import Model
from looplab.view import choice as choose
from looplab.view.controls import controls, turned
from looplab.view.state import Choice
from looplab.wire.clock import MS

SETTLE_NS = 300 * MS
"""What is turned is passed on once it has rested so long: fast turns restart a server once."""


class Turnable(Protocol):
    """What turning needs of a lab."""

    @property
    def model(self) -> Model: ...  # noqa: D102
    @property
    def selection(self) -> Selection | None: ...  # noqa: D102
    def burst(self, requests: int | None = None, concurrency: int | None = None) -> None: ...  # noqa: D102
    def set_users(self, users: int) -> None: ...  # noqa: D102
    def set_rate(self, rate: float) -> None: ...  # noqa: D102
    def set_think(self, seconds: float) -> None: ...  # noqa: D102
    def set_mix(self, weights: list[float]) -> None: ...  # noqa: D102


class Turning:
    """Changes the choice at once, and the run when the keys rest."""

    def __init__(
        self,
        lab: Turnable,
        choice: Choice,
        clock: Callable[[], int],
        hint: Callable[[str], None],
        go_on: Callable[[], None],
        start: Callable[[Selection], None],
    ) -> None:
        """Prepare.

        Args:
            lab: is told of what was turned.
            choice: is changed.
            clock: gives the present moment.
            hint: says something in the footer.
            go_on: lets a frozen picture go on.
            start: starts a selection anew.
        """
        self._lab = lab
        self._choice = choice
        self._clock = clock
        self._hint = hint
        self._go_on = go_on
        self._start = start
        self._waits = False
        self._due_ns = 0

    def forget(self) -> None:
        """Drop what waits: a run begins, with all that was turned. It may have other controls."""
        choice = self._choice
        self._waits = False
        choice.wanted = 0
        names = [control.name for control in controls(choice.selection, choice.knob)]
        if choice.knob not in names:
            choice.knob = next(iter(names), "")

    def settle(self, now_ns: int) -> None:
        """Pass on what has rested long enough."""
        if now_ns >= self._due_ns:
            self.tell()

    def tell(self) -> None:
        """Pass on what waits, whether it has rested or not."""
        if self._waits:
            self._tell()

    def burst(self) -> None:
        """Fire the burst again; for other traffic, a burst of as many requests as there are users."""
        choice = self._choice
        if self._waits and self._tell():
            # What was turned and has not rested yet came with a start or a burst of its own.
            return
        selection = choice.selection
        plan = selection.plan
        if plan.executor == "websocket":
            self._hint("b fires bursts, and these connections stay open: + and - change their number")
            return
        choice.stopped = False
        self._go_on()
        if plan.executor == "burst":
            self._lab.burst(plan.requests, plan.concurrency)
        else:
            users = int(self._load) if plan.is_open else selection.users
            self._hint(f"{users:,} requests at once on top of the traffic")
            self._lab.burst(users, users)

    def to(self, selection: Selection, *, loaded: bool = False) -> None:
        """Turn everything to a selection that somebody else has made, of the same variant.

        Args:
            selection: what is wanted.
            loaded: whether its users, or its rate, are to be told.
        """
        choice = self._choice
        choice.selection = selection
        if loaded:
            plan = selection.plan
            choice.wanted = plan.rate if plan.is_open else selection.users
        self._wait()

    def load(self, step: int) -> None:
        """Change the users, or the rate of an open model; a burst is fired again with other users."""
        choice, plan = self._choice, self._choice.selection.plan
        if plan.phases:
            self._hint("each phase has its own users: s starts the first one again")
            return
        most = choose.MOST_RATE if plan.is_open else choose.MOST_USERS
        before = int(choice.wanted or self._load)
        count = choose.more_users(before, step, most)
        what = "requests a second" if plan.is_open else "users"
        if count == before:
            self._hint(f"{count:,} {what} is the {'most' if step > 0 else 'least'}")
            return
        choice.wanted = count
        selection = choice.selection
        choice.selection = selection.with_rate(count) if plan.is_open else selection.with_users(count)
        if plan.executor == "burst":
            self._hint(f"{count:,} at once: the burst is fired again")
        else:
            self._hint(f"{count:,} {what}" + (": s starts the traffic with them" if self._over else ""))
        self._wait()

    def pick(self, step: int) -> None:
        """Pick the next or previous control."""
        choice = self._choice
        names = [control.name for control in controls(choice.selection, choice.knob)]
        if names:
            place = names.index(choice.knob) if choice.knob in names else 0
            choice.knob = names[(place + step) % len(names)]
        if len(names) < 2:
            self._hint("this scenario has one knob only" if names else "this scenario has no knob")

    def turn_at(self, place: int, step: int) -> None:
        """Turn the control at a place of the list: a click on it picks it."""
        listed = controls(self._choice.selection, self._choice.knob)
        if place < len(listed):
            self._choice.knob = listed[place].name
            self.turn(step)

    def turn(self, step: int) -> None:
        """Turn the picked control: the traffic is told, or the server starts again."""
        choice = self._choice
        if not choice.knob:
            self._hint("this scenario has no knob")
            return
        after = turned(choice.selection, choice.knob, step)
        if after == choice.selection:
            self._hint(f"{choice.knob} is at its {'most' if step > 0 else 'least'}")
            return
        if after.knobs == choice.selection.knobs and self._over:
            key = "b" if after.plan.executor == "burst" else "s"
            self._hint(f"{choice.knob}: {key} starts the traffic with it")
        choice.selection = after
        self._wait()

    @property
    def _over(self) -> bool:
        return self._lab.model.finished or self._choice.stopped

    @property
    def _load(self) -> float:
        """The users, or the rate, that there are now."""
        selection, traffic = self._choice.selection, self._lab.model.traffic
        plan = selection.plan
        if traffic is not None and traffic.running and plan.stages:
            return traffic.rate if plan.is_open else traffic.users
        return plan.rate or plan.start if plan.is_open else selection.users

    def _wait(self) -> None:
        self._waits = True
        self._due_ns = self._clock() + SETTLE_NS
        self._go_on()

    def _tell(self) -> bool:
        """Pass on what was turned; tell whether that began a run or a burst."""
        self._waits = False
        choice, told = self._choice, self._lab.selection
        wanted, choice.wanted = choice.wanted, 0
        selection = choice.selection
        if told is None or selection.knobs != told.knobs:
            self._start(selection)
            return True
        plan, before = selection.plan, told.plan
        if wanted and plan.is_open:
            self._lab.set_rate(wanted)
        elif wanted:
            self._lab.set_users(int(wanted))
        if (pause := getattr(plan, selection.pause)) != getattr(before, selection.pause):
            self._lab.set_think(pause)
        weights = [kind.weight for kind in plan.mix]
        if weights != [kind.weight for kind in before.mix]:
            self._lab.set_mix(weights)
        if wanted and plan.executor == "burst":
            self.burst()
            return True
        return False
