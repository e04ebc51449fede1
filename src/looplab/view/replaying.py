"""Replaying: a recording takes the place of the live run, and the keys move it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from textual.actions import parse

from looplab.lab import Selection
from looplab.model import Model
from looplab.recording import Recording, RecordingError, index
from looplab.scenario import Scenario
from looplab.view import format as write
from looplab.view.logbook import LogKeeper
from looplab.view.observer import Observer
from looplab.view.replay import Player
from looplab.view.state import Choice, View
from looplab.view.transport import Transport

_HURRY: Final = 10
"""How many columns of the picture a skip is while it plays, in place of one while it stands."""

_REFUSED: Final = {
    "burst": "fire requests",
    "traffic": "stop or start traffic",
    "users": "change the users",
    "turn": "turn knobs",
    "turn_at": "turn knobs",
    "variant": "start a variant",
    "scenario": "start a scenario",
    "open": "start a scenario",
    "list": "start a scenario",
    "tasks": "ask a worker for its tasks",
    "record": "be recorded: it is in a file",
    "compare": "start variants",
    "next_step": "tell steps",
    "step_back": "tell steps",
}
"""What a replay cannot do, and what the footer says of it."""


class Shown(Protocol):
    """What the picture is made of: a lab has it, and a player."""

    @property
    def model(self) -> Model: ...  # noqa: D102
    @property
    def backlog(self) -> int: ...  # noqa: D102


class Replaying:
    """The player that is shown, if one is, and what keys mean then."""

    def __init__(
        self,
        choice: Choice,
        observer: Observer,
        scenarios: Sequence[Scenario],
        settle: Callable[[], None],
        clock: Callable[[], int],
        hint: Callable[[str], None],
        key_of: Callable[[Selection], str],
    ) -> None:
        """Prepare.

        Args:
            choice: says what is run; during a replay, what was run.
            observer: a held picture goes on when another is shown.
            scenarios: where what was run is looked up.
            settle: passes on what was turned of the live run and waits.
            clock: gives the present moment.
            hint: says something in the footer.
            key_of: gives the key of a selection's scenario.
        """
        self.player: Player | None = None
        self.log = LogKeeper()
        """What was said in the recording, up to where it is."""
        self._choice = choice
        self._observer = observer
        self._scenarios = scenarios
        self._settle = settle
        self._clock = clock
        self._hint = hint
        self._key_of = key_of
        self._live = (choice.selection, choice.key, choice.knob, choice.stopped)
        self._jumps = 0

    async def open(self, path: Path) -> None:
        """Show a recording once it is read; a long one takes a while, and the live run is seen until then."""
        self._hint(f"reading {path.name} …")
        try:
            recording = Recording(path)
            found = await asyncio.to_thread(index, recording)
        except (OSError, RecordingError) as error:
            self._hint(f"no replay: {error}")
            return
        if not found.runs:
            self._hint(f"no replay: there is no run in {path.name}")
            return
        self._hint("")
        self._settle()
        self.begin(Player(recording, found, self._scenarios, clock=self._clock))

    def begin(self, player: Player) -> None:
        """Show a player in place of the live run, which goes on."""
        choice = self._choice
        self._live = (choice.selection, choice.key, choice.knob, choice.stopped)
        choice.stopped = False
        self.player = player
        self._observer.release()
        self._take_over(player.selection)
        if player.index.damage:
            self._hint(f"it plays up to the damage: {player.index.damage}")

    def end(self) -> None:
        """Show the live run again, if a recording is shown."""
        if self.player is None:
            return
        choice = self._choice
        choice.selection, choice.key, choice.knob, choice.stopped = self._live
        self.player = None
        self._observer.release()

    def go_on(self, lab: Shown, now_ns: int, budget_ns: int) -> tuple[Shown, int]:
        """Go on to a frame; give what is to be shown, and the moment of it."""
        player = self.player
        if player is None:
            return lab, now_ns
        player.drain(budget_ns)
        at_ns = player.clock()
        if self._choice.selection is not player.selection:
            self._take_over(player.selection)
        if player.jumps != self._jumps:
            # What was said after the moment that it went back to has not been said yet.
            self._jumps, self.log = player.jumps, LogKeeper()
        self.log.follow(player.model)
        return player, at_ns

    @property
    def past_ns(self) -> int:
        """An earlier moment that is to be shown of the model of a later one; 0 while there is none."""
        return self.player.past_ns if self.player is not None else 0

    def dress(self, view: View, now_ns: int) -> None:
        """Give a view what a replay has beside the picture."""
        view.transport = self.transport
        if self.player is not None:
            # The clock of the recording may stand; that of the footer never does.
            view.hint = self._choice.hint if now_ns < self._choice.hint_until_ns else ""

    @property
    def transport(self) -> Transport | None:
        """Where the replay is; None while there is none."""
        player = self.player
        if player is None:
            return None
        index = player.index
        length_ns = max(index.length_ns, 1)
        return Transport(
            position_ns=player.position_ns,
            length_ns=index.length_ns,
            speed=player.speed,
            paused=player.paused,
            ended=player.ended,
            seeking=player.seeking,
            marks=tuple(((mark.at_ns - index.began_ns) / length_ns, mark.kind) for mark in index.marks),
            whole=not index.damage,
        )

    def takes(self, action: str) -> bool:
        """Do what an action means in a replay; False if it means what it always means."""
        if self.player is None:
            return False
        _, name, arguments = parse(action)
        step: Any = arguments[0] if arguments else 0
        if (words := _REFUSED.get(name)) is not None:
            self._hint(f"a replay cannot {words}; F9 goes to the live run")
            return True
        if name == "request":
            # It holds the picture, and the replay would go on behind it.
            if not self.player.paused:
                self.player.pause()
            return False
        moves: dict[str, Callable[[Player], None]] = {
            "freeze": self._freeze,
            "scrub": lambda player: self._skip(player, step),
            "speed": lambda player: self._speed(player, step),
            "begin": lambda player: player.jump(player.index.began_ns),
            "present": lambda player: player.jump(player.index.ended_ns),
            "goto": lambda player: player.jump(player.index.began_ns + round(step * player.index.length_ns)),
            "pick": lambda player: self._mark(player, step),
        }
        if name not in moves or (self._observer.held_ns and name in ("scrub", "speed")):
            return False
        if name in ("begin", "present", "goto", "pick"):
            self._observer.release()
        moves[name](self.player)
        return True

    def _take_over(self, selection: Selection) -> None:
        choice = self._choice
        choice.selection = selection
        choice.key = self._key_of(selection)
        choice.knob = next(iter(selection.scenario.knobs), "")

    def _freeze(self, player: Player) -> None:
        if self._observer.held_ns:
            self._observer.release()
            if not player.paused:
                return
        player.pause()

    def _skip(self, player: Player, columns: int) -> None:
        shown = self._observer.shown
        if shown is not None:
            if not player.paused:
                columns *= _HURRY
            player.skip(columns * shown.window.column_ns)

    def _speed(self, player: Player, step: int) -> None:
        player.faster(step)
        self._hint(f"speed {player.speed:g}×")

    def _mark(self, player: Player, step: int) -> None:
        found = player.mark(step)
        if found is None:
            self._hint("there is no mark after it" if step > 0 else "there is no mark before it")
        else:
            self._hint(f"{write.clock(found.at_ns - player.index.began_ns)}  {found.text}")
