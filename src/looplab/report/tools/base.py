"""What the writers of commands have in common."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

from looplab.traffic.pieces import kinds
from looplab.traffic.plan import Plan
from looplab.traffic.template import Piece


@dataclass(frozen=True)
class Equivalent:
    """What to type for one tool."""

    tool: str
    script: str = ""
    """Lines for a shell; empty where the tool cannot make this traffic."""
    notes: tuple[str, ...] = ()
    """Where it differs, or why it cannot."""
    content: str = ""
    """The file that the tool reads, where that holds all of the traffic …"""
    typed: str = ""
    """… and what is typed then."""


def duration(length_s: float) -> str:
    """Write a length of time as wrk, oha and k6 read it: `15s`, `250ms`."""
    return f"{length_s:.0f}s" if length_s == int(length_s) else f"{round(length_s * 1000)}ms"


def whole(length_s: float) -> str:
    """Write a length of time in whole seconds, at least one."""
    return str(max(math.ceil(length_s), 1))


def text(pieces: list[Piece]) -> str:
    """Give a text that has no variables."""
    return "".join(piece for piece in pieces if isinstance(piece, str))


def command(*words: str) -> str:
    """Write a command for a shell."""
    return shlex.join(words)


def file(name: str, content: str) -> str:
    """Write a shell command that writes a file."""
    return f"cat > {shlex.quote(name)} <<'END'\n{content.rstrip()}\nEND"


def statuses_differ(plan: Plan) -> bool:
    """Tell whether other statuses than 200 to 399 count as ok."""
    return any(spec.expect for spec in kinds(plan))
