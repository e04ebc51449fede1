"""Comparing: runs variants side by side or one after the other, and makes the picture of each frame."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from msgspec import structs

from looplab.lab import Selection
from looplab.lab.ensemble import MOST
from looplab.lab.fairness import Unfair, cores_used, unfair
from looplab.model import Model
from looplab.recording import Shelf
from looplab.scenario import Variant, plan_for
from looplab.view import choice as choose
from looplab.view import format as write
from looplab.view.compare.axis import CommonAxis
from looplab.view.compare.picture import READY, Picture, Status, fair_words, same_traffic
from looplab.view.compare.ratio import Entry, ratio
from looplab.view.logbook import LogKeeper
from looplab.view.observer import Observer
from looplab.view.state import Choice, View
from looplab.view.taping import Records, Taping
from looplab.view.turning import Turnable, Turning
from looplab.wire.clock import MS, S

DRAIN_NS = 10 * MS
"""Most time that a frame gives to the new events of all variants."""
JUDGED_NS = 500 * MS
"""Whether a comparison is fair is looked at so often: it takes the figures of all."""
HINT_NS = 2 * S


class EnsembleLike(Turnable, Protocol):
    """What the comparison needs of an ensemble."""

    selections: list[Selection]

    @property
    def labs(self) -> Sequence[Records]: ...  # noqa: D102
    @property
    def models(self) -> list[Model]: ...  # noqa: D102
    @property
    def backlog(self) -> int: ...  # noqa: D102
    @property
    def spread_ns(self) -> int | None: ...  # noqa: D102
    @property
    def turn(self) -> int: ...  # noqa: D102
    def seen(self, place: int) -> bool: ...  # noqa: D102
    def start(self, selections: Sequence[Selection], *, in_turn: bool = False) -> None: ...  # noqa: D102
    def stop_traffic(self) -> None: ...  # noqa: D102
    def start_traffic(self) -> None: ...  # noqa: D102
    def drain(self, budget_ns: int) -> bool: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


MakeEnsemble = Callable[[Sequence[Selection]], EnsembleLike]
"""Makes an ensemble and opens it."""


class Comparing:
    """One comparison, from the key that begins it to the one that ends it."""

    def __init__(
        self, make: MakeEnsemble, choice: Choice, clock: Callable[[], int], cores: int, shelf: Shelf
    ) -> None:
        """Start the variants, up to four, the chosen one among them.

        Args:
            make: makes the ensemble and opens it.
            choice: what is chosen on the main screen.
            clock: gives the present moment.
            cores: cores that they share.
            shelf: where recordings go.
        """
        chosen = choice.selection
        variants, picked = shown_variants(chosen)
        self.picked = picked
        self.in_turn = False
        self.choice = replace(choice, selection=_as(chosen, variants[0]), wanted=0, stopped=False, lit=None)
        selections = [_as(self.choice.selection, variant) for variant in variants]
        self.ensemble = make(selections)
        self.taping = Taping(
            lambda: list(zip(self.ensemble.labs, self.ensemble.selections, strict=True)),
            shelf,
            clock,
            self.say,
        )
        self.recorded = ""
        """What was recorded, told when the comparison ends."""
        self.keepers = [LogKeeper() for _ in variants]
        self._clock = clock
        self._cores = cores
        self._turning = Turning(self.ensemble, self.choice, clock, self.say, self.go_on, self._restart)
        self._choices = [replace(self.choice, selection=selection) for selection in selections]
        self._observers = [Observer() for _ in variants]
        self._unseen = [Model() for _ in variants]
        self._axis = CommonAxis()
        self._unfair: list[Unfair] = []
        self._fair_text = ""
        self._judged_ns = 0
        self._late_ns = 0
        self.picture: Picture | None = None
        """What the last frame showed."""
        self._restart(self.choice.selection)

    def close(self) -> threading.Thread:
        """End all servers and traffic, in a thread: a screen does not wait for processes."""
        self.recorded = self.taping.end()
        ending = threading.Thread(target=self.ensemble.close, name="looplab comparison ends")
        ending.start()
        return ending

    # Frames

    def frame(self, now_ns: int, columns: int) -> Picture:
        """Drain, look, judge: what the screen shows now.

        Args:
            now_ns: the present moment.
            columns: columns of time that each variant has.
        """
        ensemble = self.ensemble
        ensemble.drain(DRAIN_NS)
        self._turning.settle(now_ns)
        views = [self._view(place, model, now_ns, columns) for place, model in enumerate(ensemble.models)]
        statuses = [self._status(place, view) for place, view in enumerate(views)]
        entries = [
            Entry(
                view.choice.selection.variant.id,
                view.statistics.rps,
                counts=view.load_told is not None and not view.failed,
                failed=view.failed,
                over=view.finished,
            )
            for view in views
        ]
        self._judge(views, now_ns)
        picture = Picture(
            views=self._axis.lay(views, columns),
            statuses=statuses,
            rates=[entry.rps for entry in entries],
            ratio=ratio(entries),
            choice=self.choice,
            picked=self.picked,
            in_turn=self.in_turn,
            turn=ensemble.turn,
            unfair=self._unfair,
            fair_text=self._fair_text,
            same_traffic=same_traffic([selection.plan for selection in ensemble.selections]),
            recorded=self.taping.follow(),
            hint=self.choice.hint if now_ns < self.choice.hint_until_ns else "",
        )
        self.picture = picture
        return picture

    def frame_took(self, now_ns: int, took_ms: float, late_ms: float) -> None:
        """Note what a frame cost and how late it came."""
        self._observers[0].frame_took(now_ns, took_ms, late_ms)
        running = self.picture is not None and any(sign == "●" for sign, _, _ in self.picture.statuses)
        if running:
            self._late_ns = max(self._late_ns, round(late_ms * MS))

    def _view(self, place: int, model: Model, now_ns: int, columns: int) -> View:
        if not self.ensemble.seen(place):
            model = self._unseen[place]
        self.keepers[place].follow(model)
        choice = self._choices[place]
        choice.selection = self.ensemble.selections[place]
        choice.telling, choice.pressed = self.choice.telling, self.choice.pressed
        backlog = self.ensemble.backlog if place == 0 else 0
        return self._observers[place].view(model, choice, now_ns, columns, backlog)

    def _status(self, place: int, view: View) -> Status:
        """Say in short how far a variant is; in turn, some are over and some are still to come."""
        turn = self.ensemble.turn
        sign, word, severity = view.status
        if not self.ensemble.seen(place) and turn != place:
            return "◌", "waits for its turn", "info"
        if sign == "✓":
            recorded = 0 <= turn != place and turn < len(self._observers)
            return sign, f"{'recorded' if recorded else 'done'} {write.duration(view.elapsed_ns / MS)}", "ok"
        if sign == "◌" and view.server is not None and view.server.state == "ready" and turn < 0:
            return sign, READY, severity
        return sign, word if severity == "error" else word.split()[0], severity

    def _judge(self, views: Sequence[View], now_ns: int) -> None:
        """Look whether the machine is large enough."""
        if now_ns - self._judged_ns < JUDGED_NS:
            return
        self._judged_ns = now_ns
        if self.in_turn:
            self._unfair, self._fair_text = [], "one after the other: each has the machine for itself"
            return
        models = [view.model for view in views if view.load_told is not None]
        spread_ns = self.ensemble.spread_ns
        self._unfair = unfair(models, self._cores, now_ns, late_ns=self._late_ns, spread_ns=spread_ns)
        self._fair_text = fair_words(cores_used(models), self._cores, spread_ns) if models else ""

    # What people do

    def say(self, text: str) -> None:
        """Say something in the footer."""
        self.choice.hint, self.choice.hint_until_ns = text, self._clock() + HINT_NS

    @property
    def chosen(self) -> Selection:
        """What the variant that is picked runs."""
        return self.ensemble.selections[self.picked]

    def pick(self, place: int) -> None:
        """Pick a variant by its place, beyond the last the first."""
        self.picked = place % len(self._observers)

    def swap(self) -> None:
        """Show another variant in the place that is picked; those side by side begin anew."""
        shown = [selection.variant.id for selection in self.ensemble.selections]
        variants = self.choice.selection.scenario.variants
        hidden = [variant for variant in variants if variant.id not in shown]
        if not hidden:
            self.say("all variants of the scenario are here")
            return
        before = next(place for place, variant in enumerate(variants) if variant.id == shown[self.picked])
        after = next((variant for variant in hidden if variants.index(variant) > before), hidden[0])
        self.begin(_as(self.chosen, after))

    def show(self, id: str) -> bool:
        """Pick a variant that is here and has traffic; tell whether there is one."""
        shown = [selection.variant.id for selection in self.ensemble.selections]
        if id not in shown or not self.runs:
            return False
        self.picked = shown.index(id)
        return True

    def begin(self, selection: Selection) -> None:
        """Start all anew with the knobs and the traffic of a selection; its variant takes the picked place.

        Unless it has one already: then that is picked.
        """
        shown = [one.variant.id for one in self.ensemble.selections]
        if selection.variant.id in shown:
            self.picked = shown.index(selection.variant.id)
        else:
            shown[self.picked] = selection.variant.id
        selections = [_as(selection, selection.scenario.variant(id)) for id in shown]
        self.choice.selection = selections[0]
        self._begin(selections)

    def toggle_turns(self) -> None:
        """Run them one after the other, or all at once again."""
        self.in_turn = not self.in_turn
        self.say("one after the other" if self.in_turn else "all at once")
        self._restart(self.choice.selection)

    @property
    def runs(self) -> bool:
        """Whether any of them has traffic, or is still to have it."""
        statuses = self.picture.statuses if self.picture is not None else []
        waits = 0 <= self.ensemble.turn < len(self._observers)
        goes_on = any(status[0] in ("●", "◌", "❄", "▶") for status in statuses) or waits
        return goes_on and not self.choice.stopped

    def traffic(self) -> None:
        """Stop the traffic, or start it again everywhere."""
        self.let_traffic(not self.runs)

    def let_traffic(self, run: bool) -> None:
        """Start the traffic everywhere, if it does not run, or stop it."""
        if not run:
            self.choice.stopped = True
            self.ensemble.stop_traffic()
        elif not self.runs:
            self._forget()
            self.ensemble.start_traffic()

    def to(self, selection: Selection, *, loaded: bool = False) -> None:
        """Turn knobs and traffic of all to those of a selection of the first one.

        Args:
            selection: what is wanted.
            loaded: whether its users, or its rate, are to be told.
        """
        self._turning.to(selection, loaded=loaded)

    def burst(self) -> None:
        """Fire a burst at all of them."""
        if self.choice.selection.plan.executor == "burst":
            self._forget()
        self._turning.burst()

    def users(self, step: int) -> None:
        """Change the users, or the rate of an open model."""
        self._turning.load(step)

    def pick_knob(self, step: int) -> None:
        """Pick the next or previous control."""
        self._turning.pick(step)
        if self.choice.knob:
            self.say(f"{self.choice.knob}: < and > turn it")

    def turn(self, step: int) -> None:
        """Turn the picked control."""
        self._turning.turn(step)

    def freeze(self) -> None:
        """Hold the picture of all, or let it go on."""
        if any(observer.held_ns for observer in self._observers):
            self.go_on()
        else:
            for observer in self._observers:
                observer.hold()

    def go_on(self) -> None:
        """Let a held picture go on."""
        for observer in self._observers:
            observer.release()

    def scrub(self, step: int) -> None:
        """Go by columns through a held picture: every variant to the same time since its start."""
        picture = self.picture
        if picture is None or not picture.frozen:
            self.say("space freezes the picture; then ← and → go through it")
            return
        leader = max(picture.views, key=lambda view: view.elapsed_ns)
        elapsed_ns = max(leader.elapsed_ns + step * leader.window.column_ns, 0)
        for observer, view in zip(self._observers, picture.views, strict=True):
            if view.origin_ns:
                observer.hold(view.origin_ns + elapsed_ns)

    def _restart(self, selection: Selection) -> None:
        """Start all anew with what was turned of the first."""
        self.choice.selection = selection
        self._begin([_as(selection, one.variant) for one in self.ensemble.selections])

    def _begin(self, selections: list[Selection]) -> None:
        self._turning.forget()
        self._forget()
        self.ensemble.start(selections, in_turn=self.in_turn)

    def _forget(self) -> None:
        """Forget what was said of the run before."""
        self.choice.stopped = False
        self._unfair, self._fair_text, self._late_ns = [], "", 0
        self.go_on()


def shown_variants(selection: Selection) -> tuple[list[Variant], int]:
    """Choose up to four variants of a scenario, in its order, and tell the place of the selected one."""
    variants = selection.scenario.variants
    place = next(i for i, variant in enumerate(variants) if variant.id == selection.variant.id)
    first = max(min(place - MOST + 1, len(variants) - MOST), 0)
    return variants[first : first + MOST], place - first


def _as(selection: Selection, variant: Variant) -> Selection:
    """Give the same with another variant: knobs as they were turned, and the very same traffic.

    A variant with traffic of its own keeps that, as far as it was not turned.
    """
    if variant.id == selection.variant.id:
        return selection
    fresh = choose.select(selection.scenario, variant, selection.knobs, selection.generators)
    if fresh.plan == plan_for(selection.scenario, selection.variant, {}):
        return structs.replace(fresh, plan=selection.plan)
    return choose.with_turns(fresh, selection)
