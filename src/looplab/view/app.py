"""The application: wiring only. Keys become calls of the lab, frames become views for the screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.actions import ActionParseResult
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen

from looplab.lab import Selection
from looplab.lab.notes import Notes
from looplab.recording import Shelf
from looplab.scenario import Scenario, Talk
from looplab.services.cluster import data_folder
from looplab.view.compare.comparing import MakeEnsemble
from looplab.view.garbage import Garbage
from looplab.view.lablike import LabLike
from looplab.view.logbook import LogKeeper
from looplab.view.observer import Observer
from looplab.view.pages import Pages
from looplab.view.palette import Depth, terminal_depth
from looplab.view.picking import Picking
from looplab.view.presenter.presenting import Hands, Presenting
from looplab.view.pressed import Pressed
from looplab.view.replay import Player
from looplab.view.replaying import Replaying
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.logs import LogScreen
from looplab.view.screens.main import MainScreen
from looplab.view.screens.stacks import StacksScreen
from looplab.view.screens.tasks import TasksScreen
from looplab.view.scrubbing import Scrubbing
from looplab.view.settings import Keeper
from looplab.view.sharing import Sharing
from looplab.view.state import Choice
from looplab.view.taping import Taping
from looplab.view.terminal.ending import end_without
from looplab.view.themes import PREFIX, themes_for
from looplab.view.turning import Turning
from looplab.wire.clock import MS, S, now_ns

FRAME_RATE_HZ = 30
DRAIN_NS = 10 * MS
"""Most time that a frame gives to new events; what is left waits for the next frame."""


class LoopLabApp(Pages):
    """The lab on the screen. Whoever makes it opens the lab before and closes it after."""

    TITLE = "looplab"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding("P", "picture", "Picture", show=False),
        Binding("T", "theme", "Next theme", show=False),
    ]

    def __init__(
        self,
        lab: LabLike,
        catalogue: Sequence[Scenario],
        selection: Selection,
        *,
        clock: Callable[[], int] = now_ns,
        live: bool = True,
        keeper: Keeper | None = None,
        theme: str | None = None,
        depth: Depth | None = None,
        console: bool = False,
        ensemble: MakeEnsemble | None = None,
        compare: bool = False,
        talk: Talk | None = None,
        scene: int = 0,
        auto: bool = False,
        publish: Callable[[Notes], None] | None = None,
        player: Player | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        """Prepare the screen.

        Args:
            lab: an open lab; it may run the first selection already.
            catalogue: scenarios in the order of the keys.
            selection: what is started first.
            clock: gives the present moment, `monotonic_ns`.
            live: whether a timer drives the frames; a test calls `frame` itself.
            keeper: the settings that people made before; None forgets what they change.
            theme: `dark`, `light` or `contrast`; None takes that of the settings.
            depth: colours of the terminal; None finds out.
            console: whether aiomonitor may open a Python console in a worker.
            ensemble: makes what runs several variants; None where there is only one to be had.
            compare: whether variants are compared from the start.
            talk: what is told from the start; None waits for the key, and tells the steps of the scenario.
            scene: place of the scene that a talk begins with.
            auto: whether a talk goes on by itself everywhere.
            publish: takes the speaker's notes, for a second terminal.
            player: a recording that is shown first; nothing is started then.
            shelf: where recordings go, and come from; None is the folder of looplab's data.
        """
        depth = depth or terminal_depth(os.environ)
        # The terminal's own colours: Textual then neither replaces them nor makes shades of grey of them.
        super().__init__(ansi_color=None if depth == "full" else True)
        self.lab = lab
        self.catalogue = list(catalogue)
        if self._place(selection) is None and player is None:
            self.catalogue.append(selection.scenario)
        self.choice = Choice(selection, scenarios=len(self.catalogue))
        self.observer = Observer()
        self.log_keeper = LogKeeper()
        self.sharing = Sharing(self, self._hint)
        self.keeper = keeper or Keeper()
        self.choice.single = self.keeper.settings.users == "single"
        self.observer.windows.runs = self.keeper.settings.window == "strip"
        self._clock = clock
        self._live = live
        self._with_console = console
        self._ensemble = ensemble
        self._compares_first = compare
        self._depth: Depth = depth
        self.turning = Turning(lab, self.choice, clock, self._hint, self._go_on, self._choose)
        self.scrubbing = Scrubbing(self.observer, self.choice, self._hint)
        hands = Hands(
            self._choose, self.zoom, self._let_traffic, self._hint, self._comparing, self._end_comparison
        )
        self.presenting = Presenting(
            lab, self.choice, self.turning, hands, clock, talk=talk, auto=auto, publish=publish
        )
        self.replaying = Replaying(
            self.choice, self.observer, self.catalogue, self.turning.tell, clock, self._hint, self._key_of
        )
        self.shelf = shelf or Shelf(data_folder() / "recordings")
        self.taping = Taping(lambda: [(lab, self.choice.selection)], self.shelf, clock, self._hint)
        self.picking = Picking(
            lab,
            self.choice,
            self._hint,
            lambda asking: self.run_worker(asking, group="routes", exclusive=True),
            self._show_routes,
        )
        self._player = player
        self.pressed = Pressed(shown=talk is not None or self.keeper.settings.keys)
        self._scene = scene if talk is not None else None
        self._frame_ns = 0
        self._garbage = Garbage()
        self._searched_for: object = None
        for theme_ in themes_for(depth):
            self.register_theme(theme_)
        self.theme = PREFIX + (theme or self.keeper.settings.theme)

    def get_default_screen(self) -> Screen[None]:
        """Begin with the main screen."""
        return MainScreen(code=self.keeper.settings.code)

    def on_mount(self) -> None:
        """Start the run and the frame clock."""
        if self._player is not None:
            self.replaying.begin(self._player)
        elif self._compares_first:
            self.action_compare()
        elif self._scene is None:
            chosen = self.choice.selection
            if self.lab.selection is chosen:
                self._take(chosen)
            else:
                self._choose(chosen)
        else:
            self.presenting.begin(self._scene)
        if not self._live:
            return
        self._garbage.begin()
        self.set_interval(1 / FRAME_RATE_HZ, self._tick)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Only the main thread of a Unix process can have handlers; elsewhere the default holds.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._end_by, number)

    def on_unmount(self) -> None:
        """Leave the process as it was."""
        self._garbage.end()

    def _end_by(self, number: signal.Signals) -> None:
        """End as a shell counts it: 128 and the number of the signal."""
        if (writer := getattr(self._driver, "_writer_thread", None)) is not None:
            end_without(writer)
        self.exit(return_code=128 + number)

    # Frames

    def _tick(self) -> None:
        if not self.is_running:
            # The screens are taken down, panel by panel, before the clock of the frames ends.
            return
        now_ns = self._clock()
        late_ns = max(now_ns - self._frame_ns - S // FRAME_RATE_HZ, 0) if self._frame_ns else 0
        self._frame_ns = now_ns
        self.frame(now_ns, late_ns)
        self.paint_rest()
        self._search()

    def _search(self) -> None:
        """Look for garbage; everywhere if another model took the place of one."""
        compared, player = self.compared, self.replaying.player
        if compared is not None:
            model = compared.comparing.ensemble.model
        else:
            model = player.model if player is not None else self.lab.model
        if model is self._searched_for:
            self._garbage.search()
        else:
            self._searched_for = model
            self._garbage.search_all()

    def frame(self, now_ns: int, late_ns: int = 0) -> None:
        """Drain, look, draw: the only place where what the model says reaches a widget.

        Args:
            now_ns: the present moment.
            late_ns: how late the frame comes, because this loop was busy or the terminal slow.
        """
        if (compared := self.compared) is not None:
            comparing = compared.comparing
            comparing.choice.pressed = self.pressed.keys(now_ns)
            compared.frame(now_ns, late_ns)
            if comparing.picture is not None:
                self.presenting.follow(comparing.picture.selected, now_ns)
            return
        began_ns = self._clock()
        self.lab.drain(DRAIN_NS)
        shown, at_ns = self.replaying.go_on(self.lab, now_ns, DRAIN_NS)
        self.log_keeper.follow(self.lab.model)
        main = self.main
        view = self.observer.view(
            shown.model,
            self.choice,
            at_ns,
            main.columns(),
            shown.backlog,
            real_ns=now_ns,
            past_ns=self.replaying.past_ns,
        )
        if shown is self.lab:
            self.turning.settle(now_ns)
            self.picking.follow()
            self.presenting.follow(view, now_ns)
        self.replaying.dress(view, now_ns)
        view.recorded = self.taping.follow()
        self.sharing.follow(view)
        self.choice.pressed = self.pressed.keys(now_ns)
        screen = self.screen
        if isinstance(screen, DetailsScreen):
            # The picture goes on around the page.
            main.take(view)
        if (
            isinstance(screen, MainScreen | DetailsScreen | LogScreen | TasksScreen | StacksScreen)
            # A screen that was pushed since the last frame may have nothing in it yet.
            and screen.is_mounted
        ):
            screen.take(view)
        self.observer.frame_took(now_ns, (self._clock() - began_ns) / MS, late_ns / MS)

    # What people do

    async def on_event(self, event: events.Event) -> None:
        """Note each key that is pressed, on whatever screen."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.pressed.note(event.key, self._clock())
        await super().on_event(event)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action, unless it means something else in a replay."""
        own = default_namespace is None or default_namespace is self
        said = action if isinstance(action, str) and (own or action.startswith("app.")) else ""
        ran = (said and self.replaying.takes(said)) or await super().run_action(
            action, default_namespace, namespaces
        )
        if ran and self._live and self.is_running:
            # Whoever presses a key shall not wait for the next frame.
            self._tick()
        return bool(ran)
