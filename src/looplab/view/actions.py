"""Actions that change what runs: scenario, variant, traffic, knobs, recordings."""

from __future__ import annotations

from msgspec.structs import replace

from looplab.lab import Selection
from looplab.lab.fairness import usable_cores
from looplab.scenario.openapi import Route
from looplab.traffic.plan import RequestSpec
from looplab.view import choice as choose
from looplab.view.compare.comparing import Comparing
from looplab.view.looking import Looking
from looplab.view.screens.compare import CompareScreen
from looplab.view.screens.picker import Picked, PickerScreen
from looplab.view.screens.routes import RoutesScreen


class Actions(Looking):
    """What runs, and what is turned of it."""

    def _place(self, selection: Selection) -> int | None:
        """Find a selection in the catalogue by its folder: one of one's own may share a name."""
        folders = [scenario.folder for scenario in self.catalogue]
        folder = selection.scenario.folder
        return folders.index(folder) if folder in folders else None

    def _key_of(self, selection: Selection) -> str:
        place = self._place(selection)
        return str((place + 1) % 10) if place is not None and place < 10 else ""

    def _choose(self, selection: Selection) -> None:
        """Take a selection and run it, in place of a recording if one is shown."""
        self.replaying.end()
        # What makes the traffic was said once for all that is shown.
        selection = replace(selection, engine=self.choice.selection.engine)
        self._take(selection)
        self.lab.start(selection)

    def _take(self, selection: Selection) -> None:
        """Show what is run of a selection, in place of what was shown."""
        choice = self.choice
        choice.selection = selection
        choice.key = self._key_of(selection)
        choice.stopped = False
        self.turning.forget()
        self._go_on()

    def _go_on(self) -> None:
        self.observer.release()

    def action_open(self, number: int) -> None:
        """Open a scenario by its place in the catalogue, from 1."""
        if number <= len(self.catalogue):
            generators = self.choice.selection.generators
            self._choose(choose.select(self.catalogue[number - 1], generators=generators))
        else:
            self._hint(f"there is no scenario {number}: {len(self.catalogue)} are on board")

    def action_list(self) -> None:
        """Show the scenarios, and the variants of the one that runs."""

        def picked(row: Picked | None) -> None:
            if row is None:
                return
            scenario, id = row
            knobs = self.choice.selection.knobs if id else None
            variant = scenario.variant(id) if id else None
            self._choose(choose.select(scenario, variant, knobs, self.choice.selection.generators))

        self.push_screen(PickerScreen(self.look, self.catalogue, self.choice.selection), picked)

    def action_routes(self) -> None:
        """Show the routes of an app of one's own."""
        self.picking.again()

    def _show_routes(self, routes: list[Route], picked: list[RequestSpec] | None) -> None:
        def sent(mix: list[RequestSpec] | None) -> None:
            if mix is None:
                self._hint("m opens the routes again")
            else:
                self._go_on()
                self.picking.start(mix)

        if not any(isinstance(screen, RoutesScreen) for screen in self.screen_stack):
            self.push_screen(RoutesScreen(self.look, routes, picked, self.picking.write), sent)

    def action_scenario(self, step: int) -> None:
        """Go to the next or previous scenario."""
        place = self._place(self.choice.selection)
        if place is not None:
            self.action_open((place + step) % len(self.catalogue) + 1)

    def action_variant(self, step: int) -> None:
        """Go to the next or previous variant."""
        if len(self.choice.selection.scenario.variants) > 1:
            self._choose(choose.other_variant(self.choice.selection, step))
        else:
            self._hint("this scenario has one variant only: [ and ] go to another scenario")

    def action_traffic(self) -> None:
        """Stop the traffic, or start it again; a server that failed is started again."""
        model, choice = self.lab.model, self.choice
        if model.server is not None and model.server.state in ("failed", "broken", "stopped"):
            self._choose(choice.selection)
        elif choice.selection.waits:
            self.picking.again()
        elif model.finished or choice.stopped:
            choice.stopped = False
            self._go_on()
            self.lab.start_traffic()
        else:
            choice.stopped = True
            self.lab.stop_traffic()

    def _let_traffic(self, run: bool) -> None:
        """Start or stop the traffic, also that of a run which is only starting."""
        if not run:
            self.choice.stopped = True
            self.lab.stop_traffic()
        elif self.lab.model.finished or self.choice.stopped:
            self.action_traffic()

    def action_next_step(self) -> None:
        """Go on to the next step, or begin the steps."""
        self.presenting.next()

    def action_step_back(self) -> None:
        """Go back to the step before."""
        self.presenting.back()

    def action_burst(self) -> None:
        """Fire a burst."""
        self.turning.burst()

    def action_users(self, step: int) -> None:
        """Change the users, or the rate of an open model."""
        self.turning.load(step)

    def action_pick(self, step: int) -> None:
        """Pick the next or previous control."""
        self.turning.pick(step)

    def action_turn(self, step: int) -> None:
        """Turn the picked control."""
        self.turning.turn(step)

    def action_turn_at(self, place: int, step: int) -> None:
        """Pick the control at a place of the list, and turn it."""
        self.turning.turn_at(place, step)

    def action_compare(self) -> None:
        """Compare the variants side by side; what runs alone ends."""
        if len(self.choice.selection.scenario.variants) < 2:
            self._hint("this scenario has one variant only: nothing to compare")
        elif self.choice.selection.engine is not None:
            self._hint("Locust cannot begin several runs together: compare without --engine locust")
        elif self._ensemble is None:
            self._hint("only live runs can be compared")
        else:
            self.lab.stop()
            comparing = Comparing(self._ensemble, self.choice, self._clock, usable_cores(), self.shelf)

            def compared(selection: Selection | None) -> None:
                if selection is not None:
                    self._choose(selection)
                if comparing.recorded:
                    self._hint(comparing.recorded)

            self.push_screen(CompareScreen(comparing, self._clock), compared)

    def _comparing(self) -> Comparing | None:
        return self.compared.comparing if self.compared is not None else None

    def _end_comparison(self) -> None:
        """Go back to the main screen, whatever page is in front: a talk goes on there."""
        if (compared := self.compared) is not None:
            while self.screen is not compared:
                self.pop_screen()
            compared.end()

    def action_record(self) -> None:
        """Record the run, or end the recording."""
        self.taping.toggle()

    def action_replay(self) -> None:
        """Show the last recording of what runs in its place; or the live run again."""
        replaying = self.replaying
        if replaying.player is None:
            path = self.taping.latest()
            if path is None:
                variant = self.choice.selection.variant.title
                self._hint(f"there is no recording of {variant} yet: r makes one")
            else:
                self.run_worker(self.replaying.open(path), group="replay", exclusive=True)
        elif self.lab.selection is not None:
            replaying.end()
        elif self._place(self.choice.selection) is None:
            self._hint("this scenario is not on board: there is nothing to run live")
        else:
            self._choose(self.choice.selection)
