"""Presenting: the talk, joined to the run. Its steps go the same ways as the keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from looplab.lab import Selection
from looplab.lab.notes import Notes
from looplab.model import Model
from looplab.scenario import Talk
from looplab.view.compare.comparing import Comparing
from looplab.view.presenter import selections, together
from looplab.view.presenter.presenter import Go, Presenter
from looplab.view.presenter.states import numbers
from looplab.view.presenter.status import status
from looplab.view.presenter.telling import Telling
from looplab.view.state import Choice, View
from looplab.view.turning import Turning
from looplab.wire.clock import MS

LOOK_NS: Final = 100 * MS
"""How often the state is looked at: as often as the figures are computed."""
NOTES_PERIOD_NS: Final = 2 * LOOK_NS
"""How often the second terminal is told at most."""


class Run(Protocol):
    """What presenting needs of a lab."""

    @property
    def model(self) -> Model: ...  # noqa: D102
    @property
    def selection(self) -> Selection | None: ...  # noqa: D102


@dataclass(frozen=True)
class Hands:
    """What a step does beside turning controls."""

    choose: Callable[[Selection], None]
    """Takes a selection and runs it."""
    zoom: Callable[[str], None]
    """Gives a panel the full screen; with no name, shows all again."""
    let_traffic: Callable[[bool], None]
    """Starts or stops the traffic."""
    hint: Callable[[str], None]
    """Says something in the footer."""
    compared: Callable[[], Comparing | None]
    """Gives the comparison, if there is one."""
    end_comparison: Callable[[], None]
    """Shows the main screen in its place."""


class Presenting:
    """The talk that was opened, or else the steps of the scenario on the screen."""

    def __init__(
        self,
        lab: Run,
        choice: Choice,
        turning: Turning,
        hands: Hands,
        clock: Callable[[], int],
        *,
        talk: Talk | None = None,
        auto: bool = False,
        publish: Callable[[Notes], None] | None = None,
    ) -> None:
        """Prepare.

        Args:
            lab: runs what the steps show.
            choice: says what is selected, and is given what to tell.
            turning: turns the controls.
            hands: do the rest.
            clock: gives the present moment.
            talk: what is told; None takes the steps of each scenario.
            auto: whether it goes on by itself everywhere.
            publish: takes the speaker's notes.
        """
        self.presenter = Presenter(talk or Talk.of(choice.selection.scenario), auto=auto)
        self._own = talk is None
        self._lab = lab
        self._choice = choice
        self._turning = turning
        self._hands = hands
        self._clock = clock
        self._publish = publish
        self._awaited: tuple[Model, int] | None = None
        """The run that was there before the step began another one; it says nothing of the step."""
        self._zoomed = False
        self._looked_ns = 0
        self._told_ns = 0
        self._told: Notes | None = None

    def begin(self, scene: int = 0) -> None:
        """Begin a talk at a scene, with its run."""
        presenter = self.presenter
        self._take(presenter.go(presenter.begins_at(scene), self._clock(), anew=True))

    def next(self) -> None:
        """Go on, as the key does."""
        self._follow_scenario()
        presenter = self.presenter
        if presenter.step is not None and self._elsewhere:
            # Back from a detour, to where the talk was left.
            self._take(presenter.go(presenter.place, self._clock(), anew=True))
        elif not presenter.count:
            self._hands.hint("this scenario has no steps: write [[steps]] into its scenario.toml")
        elif not presenter.at_end:
            self._take(presenter.next(self._clock()))
        elif self._own:
            self._close()
        else:
            self._hands.hint("the talk is over: p goes back")

    def back(self) -> None:
        """Go back, as the key does."""
        self._follow_scenario()
        if (go := self.presenter.back(self._clock())) is not None:
            self._take(go)
        elif self._own and self.presenter.step is not None:
            self._close()
        else:
            self._hands.hint("this is the first step" if self.presenter.step else "n begins the steps")

    def follow(self, view: View, now_ns: int) -> None:
        """Look at the state a few times a second: go on if it is time, and say how it stands."""
        if now_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = now_ns
        presenter = self.presenter
        step, found = presenter.step, {}
        if step is not None and not self._elsewhere and not view.frozen:
            if (until := presenter.until) is not None and self._is_fresh(view):
                found = numbers(view, until.names)
            self._take(presenter.follow(found, now_ns))
            step = presenter.step
        told = step is not None and not self._elsewhere
        line = status(presenter, found, now_ns)
        self._show(self._telling(line) if told else None)
        self._tell(view, now_ns)

    @property
    def _elsewhere(self) -> bool:
        """Whether the screen shows another scenario than the step."""
        scene = self.presenter.scene
        return scene is not None and scene.scenario.folder != self._choice.selection.scenario.folder

    def _follow_scenario(self) -> None:
        """Without a talk, the steps are those of the scenario on the screen."""
        scenario = self._choice.selection.scenario
        if self._own and self.presenter.talk.scenes[0].scenario.folder != scenario.folder:
            self.presenter = Presenter(Talk.of(scenario), auto=self.presenter.auto)
            self._awaited = None

    def _close(self) -> None:
        """Put the steps of a scenario away; the key begins them anew."""
        self.presenter = Presenter(self.presenter.talk, auto=self.presenter.auto)
        self._show(None)
        self._awaited = None
        self._zoom("")

    def _show(self, telling: Telling | None) -> None:
        """Show what is told on the screen, also on that of a comparison."""
        self._choice.telling = telling
        if (comparing := self._hands.compared()) is not None:
            comparing.choice.telling = telling

    def _take(self, go: Go | None) -> None:
        """Let the run do what a step sets."""
        if go is None:
            return
        self._looked_ns = 0
        step = go.scene.steps[go.step]
        before = self._choice.selection
        # The first step of a scenario's own is about what is on the screen.
        anew = (go.anew and not (self._own and go.step == 0)) or self._elsewhere
        comparing = self._hands.compared()
        if comparing is not None and not self._elsewhere:
            began = together.take(comparing, go, anew=anew)
            model = comparing.ensemble.models[comparing.picked]
            self._awaited = (model, model.started_ns) if began else None
            return
        if comparing is not None:
            self._hands.end_comparison()
        self._awaited = (self._lab.model, self._lab.model.started_ns)
        if anew:
            self._hands.choose(selections.at(go.scene, go.step, before.generators))
        elif step.variant is not None:
            self._hands.choose(selections.applied(before, step))
        else:
            after = selections.applied(before, step)
            burst = after.plan.executor == "burst" and (step.burst or step.users is not None)
            if not burst and (after.knobs == before.knobs or after.turns_services_only(self._lab.selection)):
                self._awaited = None
            if after != before:
                self._turning.to(after, loaded=step.users is not None or step.rate is not None)
            if step.burst:
                self._turning.burst()
        self._zoom(step.zoom)
        if step.traffic:
            self._hands.let_traffic(step.traffic == "start")

    def _zoom(self, name: str) -> None:
        """Zoom for a step, and show all again after it; a zoom of the speaker's own stays."""
        if name or self._zoomed:
            self._hands.zoom(name)
        self._zoomed = bool(name)

    def _is_fresh(self, view: View) -> bool:
        """Tell whether what the model says is about this step, and not about a run before it."""
        if self._awaited is not None:
            model, started_ns = self._awaited
            if not view.model.started_ns or (view.model is model and model.started_ns == started_ns):
                return False
            self._awaited = None
        return True

    def _telling(self, line: str) -> Telling:
        presenter = self.presenter
        scene = presenter.scene
        return Telling(
            title=scene.title if scene is not None else "",
            place=presenter.place + 1,
            count=presenter.count,
            text=presenter.text,
            answering=presenter.answering,
            status=line,
            reached=presenter.reached,
        )

    def _tell(self, view: View, now_ns: int) -> None:
        """Tell the second terminal, if anything is new."""
        if self._publish is None or now_ns - self._told_ns < NOTES_PERIOD_NS:
            return
        notes = self._notes(view)
        if notes != self._told:
            self._told, self._told_ns = notes, now_ns
            self._publish(notes)

    def _notes(self, view: View) -> Notes:
        presenter = self.presenter
        telling, scene, step = self._choice.telling, presenter.scene, presenter.step
        selection = view.choice.selection
        headline = view.headline
        away = "n comes back to the talk" if not self._own and step is not None else ""
        said = [scene.notes if scene is not None else "", step.notes.strip() if step is not None else ""]
        follows = presenter.following
        coming = follows.say if follows is not None else ""
        if step is not None and step.answer and not presenter.answering:
            coming = step.answer
        return Notes(
            talk=presenter.talk.title if not self._own else "",
            scene=selection.scenario.title,
            variant=selection.variant.title,
            place=presenter.place + 1,
            count=presenter.count,
            text=telling.text if telling is not None else "",
            answering=presenter.answering,
            status=telling.status if telling is not None else away,
            notes="\n\n".join(part for part in said if part),
            next=coming,
            verdict=headline.text,
            severity=headline.severity,
            began_ns=presenter.began_ns,
            step_ns=presenter.step_ns,
        )
