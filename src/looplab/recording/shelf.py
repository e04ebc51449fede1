"""The shelf: the folder in which the recordings of the screen stand, by scenario, variant and time."""

from __future__ import annotations

import re
import time
from pathlib import Path

from looplab.recording.reader import Recording
from looplab.recording.shape import RecordingError

SUFFIX = ".looplab"


class Shelf:
    """A folder of recordings. It is made when the first one is."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, whether it is there or not."""
        self.folder = folder

    def place(self, scenario: str, variant: str) -> Path:
        """Give a path for a new recording, and make the folder.

        Raises:
            OSError: the folder cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{_name(scenario, variant)}-{time.strftime('%Y%m%d-%H%M%S')}"
        path, number = self.folder / f"{name}{SUFFIX}", 2
        while path.exists():
            path, number = self.folder / f"{name}-{number}{SUFFIX}", number + 1
        return path

    def latest(self, scenario: str, variant: str, other_than: Path | None = None) -> Path | None:
        """Find the last recording of a scenario's variant; None if there is none that can be read.

        Args:
            scenario: id of the scenario.
            variant: id of the variant.
            other_than: a file that does not count: it is being written.
        """
        found: list[tuple[int, Path]] = []
        for path in self.folder.glob(f"{_name(scenario, variant)}-*{SUFFIX}"):
            if path == other_than:
                continue
            try:
                header = Recording(path).header
            except (OSError, RecordingError):
                continue
            # The name alone could be that of another variant: a-b-c may be b-c of a, or c of a-b.
            if (header.scenario, header.variant) == (scenario, variant):
                found.append((header.began_wall_ns, path))
        return max(found, default=(0, None))[1]


def _name(scenario: str, variant: str) -> str:
    """Give the beginning of a file's name; a scenario of one's own may be called anything."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", f"{scenario}-{variant}")
