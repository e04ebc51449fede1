"""Frames of a stack as people read them: the libraries above the user's line in a few words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_INSTALLED = re.compile(r"/(?:site|dist)-packages/([^/.]+)")
_STANDARD = re.compile(r"/python3\.\d+t?/([^/.]+)")
_FROZEN = re.compile(r"<(?:frozen )?([^.>]+)")

MOST_PACKAGES = 3
"""Packages that are named."""


def package(file: str) -> str:
    """Name the package that a file belongs to; the folder of a file that is not installed."""
    if found := _in_library(file):
        return found[1]
    parts = file.rsplit("/", 2)
    return parts[-2] if len(parts) > 1 else file


def is_library(file: str) -> bool:
    """Tell whether a file was installed, or came with Python."""
    return _in_library(file) is not None


def _in_library(file: str) -> re.Match[str] | None:
    return _INSTALLED.search(file) or _STANDARD.search(file) or _FROZEN.match(file)


def folded(files: Iterable[str]) -> str:
    """Say what frames are left out: `7 frames in requests, urllib3`; empty without any."""
    names = [package(file) for file in files]
    if not names:
        return ""
    packages = list(dict.fromkeys(names))
    more = [f"{len(packages) - MOST_PACKAGES} more"] if len(packages) > MOST_PACKAGES else []
    said = ", ".join(packages[:MOST_PACKAGES] + more)
    return f"{len(names)} {'frame' if len(names) == 1 else 'frames'} in {said}"


def above(stack: Sequence[tuple[str, int, str]], file: str, line: int, function: str) -> str:
    """Say which libraries a line of the user's has called, by a stack whose innermost frame is the last."""
    here = (file, line, function)
    at = max((number for number, frame in enumerate(stack) if frame == here), default=len(stack))
    return folded(frame[0] for frame in stack[at + 1 :])
