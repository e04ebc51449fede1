"""Why a server failed, in one sentence, from its exit status and its last lines of output."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path

_FRAME = re.compile(r'^[\s|+]*File "(?P<file>[^"]+)", line (?P<line>\d+)')
_EXCEPTION = re.compile(
    r"^(?!gunicorn\.errors\.)"
    r"(?:[\s|+]*(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Group|Warning)\b"
    r"|(?:[A-Za-z_]\w*\.)*[A-Z]\w*[a-z]\w*(?::|$))"
)
"""The line that ends a traceback. Not indented it may have any name, such as ImproperlyConfigured, but not
that of a level of a log. gunicorn's own exceptions only say that a worker has ended."""
_UVICORN = re.compile(r"^ERROR:\s+(?P<text>Error loading ASGI app.*)")


def ending(status: int) -> str:
    """Say how a process ended: `exited with status 3`, `was killed by SIGKILL`."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was killed by {name}"


_LOG = re.compile(r"^\[|^[A-Z]{4,}:|^looplab: |^\s*[|+]|Traceback|^Process |^During handling|^The above exc")
"""A line that is none of the words of an exception any more."""

WORDS_LINES = 8
"""Lines that an exception may say beyond its first one."""


def complaint(log: Sequence[str], roots: Sequence[Path]) -> str:
    """Find the last exception in the output, with the innermost place in the user's own code.

    Args:
        log: lines of output.
        roots: folders of the user's code.

    Returns:
        `app.py:3: ModuleNotFoundError: No module named 'foo'`, or an empty string if there is none.
    """
    place = ""
    found = ""
    inside = False
    for line in log:
        if "Traceback (most recent call last)" in line:
            inside, place = True, ""
        elif frame := _FRAME.match(line):
            # A SyntaxError at the top of a program has a frame, but no traceback.
            inside = True
            place = _place(frame["file"], frame["line"], roots) or place
        elif inside and _EXCEPTION.match(line):
            text = line.strip(" |+")
            found = f"{place}: {text}" if place else text
            inside = False
        elif loading := _UVICORN.match(line):
            found = loading["text"]
    return found


def own_lines(log: Sequence[str], roots: Sequence[Path]) -> list[str]:
    """Give the last exception in the output with the frames of the user's own code, and nothing of others.

    An app that cannot be imported leaves forty lines of servers and importers around the one that matters.
    """
    kept: list[str] = []
    found: list[str] = []
    inside = mine = False
    saying = 0
    for line in log:
        if saying and line.strip() and not _LOG.search(line):
            saying -= 1
            found.append(line.rstrip())
            continue
        saying = 0
        if "Traceback (most recent call last)" in line:
            inside, mine, kept = True, False, []
        elif frame := _FRAME.match(line):
            inside = True
            place = _place(frame["file"], frame["line"], roots)
            mine = bool(place)
            if mine:
                kept.append(f"File {place}{line[frame.end() :]}")
        elif inside and _EXCEPTION.match(line):
            found = [*kept, line.strip(" |+")]
            inside = mine = False
            kept = []
            saying = WORDS_LINES
        elif mine:
            kept.append(f"  {line.strip(' |+')}")
    return found


def _place(file: str, line: str, roots: Sequence[Path]) -> str:
    """Give `app.py:3` for a file of the user's code, relative to its folder, or an empty string."""
    for root in roots:
        path = Path(file)
        if path.is_relative_to(root):
            inner = path.relative_to(root)
            if "site-packages" not in inner.parts:
                return f"{inner}:{line}"
    return ""
