"""Taping: the key that records the live run, the file that it goes to, and what the screen says of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from looplab.recording import Recorder, Shelf
from looplab.view import format as write
from looplab.view.state import Choice, View


class Records(Protocol):
    """What recording needs of a lab."""

    @property
    def recording(self) -> Recorder | None: ...  # noqa: D102
    def record(self, path: Path) -> Recorder: ...  # noqa: D102
    def stop_recording(self) -> None: ...  # noqa: D102


class Taping:
    """Starts and stops recordings. One that fails ends, and the run goes on."""

    def __init__(
        self,
        lab: Records,
        shelf: Shelf,
        choice: Choice,
        clock: Callable[[], int],
        hint: Callable[[str], None],
    ) -> None:
        """Prepare.

        Args:
            lab: records.
            shelf: where the files go.
            choice: says what is run.
            clock: gives the present moment.
            hint: says something in the footer.
        """
        self.shelf = shelf
        self._lab = lab
        self._choice = choice
        self._clock = clock
        self._hint = hint
        self._recorder: Recorder | None = None

    def toggle(self) -> None:
        """Begin a recording, or end the one that is on."""
        recorder = self._lab.recording
        if recorder is not None:
            self._recorder = None
            self._lab.stop_recording()
            self._hint(f"recorded {self._length(recorder)}: {_shown(recorder.path)}")
            return
        chosen = self._choice.selection
        try:
            path = self.shelf.place(chosen.scenario.id, chosen.variant.id)
            self._recorder = self._lab.record(path)
        except OSError as error:
            self._hint(f"not recorded: {_home(self.shelf.folder)}: {error.strerror or error}")
            return
        self._hint(f"recording into {_shown(path)}")

    def latest(self) -> Path | None:
        """Find the last recording of what is run; the one that is being written does not count."""
        chosen = self._choice.selection
        present = self._recorder.path if self._recorder is not None else None
        return self.shelf.latest(chosen.scenario.id, chosen.variant.id, other_than=present)

    def dress(self, view: View) -> None:
        """Give a view how long the recording is, and tell when it has failed."""
        recorder = self._recorder
        if recorder is None:
            return
        if recorder.failure:
            self._recorder = None
            self._hint(recorder.failure)
        else:
            view.recorded = self._length(recorder)

    def _length(self, recorder: Recorder) -> str:
        return write.clock(self._clock() - recorder.began_ns)


def _shown(path: Path) -> str:
    return f"{path.name} in {_home(path.parent)}"


def _home(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
