"""Exports: a recording as a file that other tools read.

Each writer reads the recording from its beginning and writes as it goes, so that a long one costs no more
memory than the model of a live run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from looplab.recording import Index, Recording

from .table import write as write_table
from .trace import write as write_trace
from .webpage import write as write_page

Writer = Callable[[Recording, Index, Path], None]

FORMATS: dict[str, Writer] = {"perfetto": write_trace, "csv": write_table, "html": write_page}
"""Writers by the names that people give them."""

__all__ = ["FORMATS", "Writer"]
