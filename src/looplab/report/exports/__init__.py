"""Exports: a recording as a file that other tools read.

Each writer reads the recording from its beginning and writes as it goes, so that a long one costs no more
memory than the model of a live run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from looplab.recording import Index, Recording

from .sweep import Tell, silently
from .table import write as write_table
from .trace import write as write_trace
from .webpage import write as write_page


class Writer(Protocol):
    """Writes a recording into a file."""

    def __call__(self, recording: Recording, index: Index, path: Path, tell: Tell = silently) -> None:
        """Write, and tell how far it is."""


FORMATS: dict[str, Writer] = {"perfetto": write_trace, "csv": write_table, "html": write_page}
"""Writers by the names that people give them."""

__all__ = ["FORMATS", "Writer"]
