"""Taping: the key that records what runs, a file for each lab, and what the screen says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from looplab.lab import Selection
from looplab.recording import Recorder, Shelf
from looplab.view import format as write


class Records(Protocol):
    """What recording needs of a lab."""

    @property
    def recording(self) -> Recorder | None: ...  # noqa: D102
    def record(self, path: Path) -> Recorder: ...  # noqa: D102
    def stop_recording(self) -> None: ...  # noqa: D102


Taped = Callable[[], Sequence[tuple[Records, Selection]]]
"""Gives the labs whose runs are shown, each with what it runs."""


class Taping:
    """Starts and stops recordings, of all labs alike. One that fails ends, and the run goes on."""

    def __init__(
        self, taped: Taped, shelf: Shelf, clock: Callable[[], int], hint: Callable[[str], None]
    ) -> None:
        """Prepare.

        Args:
            taped: what is recorded.
            shelf: where the files go.
            clock: gives the present moment.
            hint: says something in the footer.
        """
        self.shelf = shelf
        self._taped = taped
        self._clock = clock
        self._hint = hint
        self._recorders: list[Recorder] = []

    def toggle(self) -> None:
        """Begin a recording of each lab, or end those that are on."""
        if not self.end():
            self._begin()

    def end(self) -> str:
        """End what is recorded, and say so; nothing if nothing was."""
        recorders = [recorder for lab, _ in self._taped() if (recorder := _stopped(lab)) is not None]
        self._recorders = []
        if not recorders:
            return ""
        said = f"recorded {self._length(recorders[0])}: {self._named([one.path for one in recorders])}"
        self._hint(said)
        return said

    def _begin(self) -> None:
        try:
            for lab, chosen in self._taped():
                path = self.shelf.place(chosen.scenario.id, chosen.variant.id)
                self._recorders.append(lab.record(path))
        except OSError as error:
            for lab, _ in self._taped():
                _stopped(lab)
            self._recorders = []
            self._hint(f"not recorded: {_home(self.shelf.folder)}: {error.strerror or error}")
            return
        self._hint(f"recording into {self._named([one.path for one in self._recorders])}")

    def latest(self) -> Path | None:
        """Find the last recording of what is run; the one that is being written does not count."""
        chosen = self._taped()[0][1]
        present = self._recorders[0].path if self._recorders else None
        return self.shelf.latest(chosen.scenario.id, chosen.variant.id, other_than=present)

    def follow(self) -> str:
        """Give how long the recording is, nothing where there is none, and tell when one has failed."""
        if not self._recorders:
            # One may have begun before the screen.
            self._recorders = [one for lab, _ in self._taped() if (one := lab.recording) is not None]
        for recorder in self._recorders:
            if recorder.failure:
                self._hint(recorder.failure)
        self._recorders = [recorder for recorder in self._recorders if not recorder.failure]
        return self._length(self._recorders[0]) if self._recorders else ""

    def _length(self, recorder: Recorder) -> str:
        return write.clock(self._clock() - recorder.began_ns)

    def _named(self, paths: Sequence[Path]) -> str:
        name = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        return f"{name} in {_home(paths[0].parent)}"


def _stopped(lab: Records) -> Recorder | None:
    """Stop the recording of a lab, and give it, if one is on."""
    recorder = lab.recording
    if recorder is not None:
        lab.stop_recording()
    return recorder


def _home(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
