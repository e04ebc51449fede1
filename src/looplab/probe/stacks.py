"""Stacks: where the loop's thread is, and which frame of it is the user's code."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, FrameType

from looplab.probe.calls import Calls
from looplab.probe.faults import clean
from looplab.probe.settings import roots

FRAMES = 32
"""Frames of a stack that travel; the outermost are left out first."""

_PYTHON = (".py", ".pyw", ".pyx", "")
"""Endings of code. What a template was compiled to has its name, and lines that it has not."""

_PROBE = str(Path(__file__).absolute().parent) + os.sep
_LIBRARIES = tuple(
    path.rstrip(os.sep) + os.sep
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (path := sysconfig.get_paths().get(name))
)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code; all empty if there was none on the stack."""

    file: str
    line: int
    function: str
    call: str = field(default="", compare=False)
    """The call of a library that it makes now, if that is known. The place is the same in all of them."""

    def source(self) -> str:
        """Read the line's text."""
        return clean(linecache.getline(self.file, self.line).strip()) if self.file else ""


NOWHERE = Place("", 0, "")

Stack = list[tuple[str, int, str]]
"""`(file, line, function)`, outermost first."""


class UsersCode:
    """Tells which files are the user's code."""

    def __init__(self, root: str) -> None:
        """Take the absolute folder of the user's code, or several with `os.pathsep` between them."""
        folders = roots(root)
        self._roots = tuple(
            {path.rstrip(os.sep) + os.sep for path in [*folders, *map(os.path.realpath, folders)]}
        )
        self._files: dict[str, tuple[str, bool]] = {}

    def file(self, name: str) -> tuple[str, bool]:
        """Give the absolute path of a code's file, and whether it is the user's."""
        known = self._files.get(name)
        if known is None:
            # "<string>" and "<frozen …>" are names of no file.
            path = name if name.startswith("<") else str(Path(name).absolute())
            known = self._files[name] = (clean(path), self._is_users(path))
        return known

    def _is_users(self, path: str) -> bool:
        """Tell the user's code by its place below the root, which may itself lie among the libraries."""
        if path.startswith((_PROBE, "<")) or Path(path).suffix not in _PYTHON:
            return False
        for root in self._roots:
            for name in (path, os.path.realpath(path)):
                # A module that is no package is its own root.
                if (name + os.sep).startswith(root):
                    inside = Path(name[len(root) :]).parts
                    if "site-packages" not in inside and not _is_library(name, root):
                        return True
        return False

    def describe(self, frames: Iterable[tuple[str, int, str]]) -> tuple[Place, Stack]:
        """Find the deepest frame of the user's code, and write the stack down; innermost frame first."""
        place = NOWHERE
        stack: Stack = []
        for file, line, function in frames:
            name, users = self.file(file)
            if name.startswith(_PROBE):
                continue
            if users and place is NOWHERE:
                place = Place(name, line, function)
            if len(stack) < FRAMES:
                stack.append((name, line, function))
        stack.reverse()
        return place, stack


class Stacks:
    """Reads the stack of one thread from another one."""

    def __init__(self, thread_id: int, root: str) -> None:
        """Make a reader.

        Args:
            thread_id: the loop's thread.
            root: absolute folder of the user's code.
        """
        self._thread_id = thread_id
        self._code = UsersCode(root)
        self._calls = Calls(lambda file: self._code.file(file)[1])

    def callback(self, base: CodeType | None) -> list[FrameType]:
        """Give the frames of what runs on the loop now, innermost first; none if the loop is idle.

        `base` is the code beneath every callback; what lies beneath it is not the callback's.
        """
        frames: list[FrameType] = []
        frame = sys._current_frames().get(self._thread_id)
        while frame is not None:
            if frame.f_code is base:
                return frames
            frames.append(frame)
            frame = frame.f_back
        return []

    def describe(self, frames: list[FrameType]) -> tuple[Place, Stack]:
        """Find the deepest frame of the user's code and the call that it makes, and write the stack down."""
        place, stack = self.where(frames)
        if place is NOWHERE:
            return place, stack
        above: FrameType | None = None
        for frame in frames:
            file, users = self._code.file(frame.f_code.co_filename)
            if users:
                return replace(place, call=self._calls.name(frame, above)), stack
            if not file.startswith(_PROBE):
                above = frame
        return place, stack

    def where(self, frames: list[FrameType]) -> tuple[Place, Stack]:
        """Find the deepest frame of the user's code, and write the stack down; frames may be suspended."""
        return self._code.describe(
            (frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name) for frame in frames
        )


def _is_library(path: str, root: str) -> bool:
    """Tell whether a file is of a library that lies below the root, as in a project's virtual environment."""
    return any(path.startswith(library) and not root.startswith(library) for library in _LIBRARIES)
