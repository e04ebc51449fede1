"""The parts of the application that its actions call, and what all of them need."""

from __future__ import annotations

from collections.abc import Callable

from looplab.recording import Shelf
from looplab.scenario import Scenario
from looplab.view.compare.comparing import MakeEnsemble
from looplab.view.lablike import LabLike
from looplab.view.logbook import LogKeeper
from looplab.view.observer import Observer
from looplab.view.palette import Depth, Palette, palette
from looplab.view.picking import Picking
from looplab.view.presenter.presenting import Presenting
from looplab.view.pressed import Pressed
from looplab.view.replaying import Replaying
from looplab.view.screens.compare import CompareScreen
from looplab.view.screens.main import MainScreen
from looplab.view.scrubbing import Scrubbing
from looplab.view.settings import Keeper
from looplab.view.sharing import Sharing
from looplab.view.state import Choice
from looplab.view.taping import Taping
from looplab.view.terminal.painting import Painting
from looplab.view.themes import short_name
from looplab.view.turning import Turning
from looplab.wire.clock import S

HINT_NS = 2 * S
"""How long the footer says why a key does nothing."""


class Parts(Painting):
    """The application, which makes the parts."""

    lab: LabLike
    catalogue: list[Scenario]
    choice: Choice
    observer: Observer
    keeper: Keeper
    log_keeper: LogKeeper
    turning: Turning
    scrubbing: Scrubbing
    presenting: Presenting
    replaying: Replaying
    taping: Taping
    shelf: Shelf
    picking: Picking
    sharing: Sharing
    pressed: Pressed
    _clock: Callable[[], int]
    _depth: Depth
    _ensemble: MakeEnsemble | None
    _frame_ns: int
    _with_console: bool

    @property
    def look(self) -> Palette:
        """The palette of the theme."""
        return palette(short_name(self.theme), self._depth)

    @property
    def main(self) -> MainScreen:
        """The main screen, also while another is in front of it."""
        return next(screen for screen in self.screen_stack if isinstance(screen, MainScreen))

    @property
    def compared(self) -> CompareScreen | None:
        """The comparison, also while another screen is in front of it."""
        return next((screen for screen in self.screen_stack if isinstance(screen, CompareScreen)), None)

    def _hint(self, text: str) -> None:
        """Say in the footer why a key does nothing here, or what it will do."""
        choice = self.compared.comparing.choice if self.compared is not None else self.choice
        choice.hint, choice.hint_until_ns = text, self._clock() + HINT_NS

    def remember(self, name: str, value: object) -> None:
        """Change a setting for this time and the next."""
        if said := self.keeper.remember(name, value):
            self._hint(f"not remembered: {said}")
