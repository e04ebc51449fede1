"""The colours of the themes: phases after Okabe and Ito on three grounds, and the terminal's own sixteen.

Okabe and Ito chose eight colours that people with any common colour blindness tell apart. There are ten
phases, so the eight were moved a little until all ten are apart for protanopes, deuteranopes and
tritanopes, too, and until each has a contrast of 3:1 with the ground; a test computes both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from looplab.wire.events import Phase


@dataclass(frozen=True)
class Colours:
    """The colours of one theme, as names that `rich.color.Color.parse` reads."""

    ground: str
    raised: str
    """Ground of header and footer."""
    text: str
    dim: str
    rule: str
    accent: str
    phases: dict[int, str]
    severities: dict[str, tuple[str, str]]
    """Severity to (ground, text) of the verdict."""
    marks: dict[str, str]
    """Severity to a text colour that reads on the ground of the screen."""
    code: dict[str, str]
    """Kind of token to colour."""


_DARK_PHASES: Final[dict[int, str]] = {
    Phase.QUEUED: "#576171",
    Phase.RUNNING: "#34b6f1",
    Phase.BLOCKING: "#e95809",
    Phase.AWAITING: "#15ad7c",
    Phase.THREAD_WAIT: "#b3639c",
    Phase.THREAD: "#e5a00c",
    Phase.POOL_WAIT: "#f1e547",
    Phase.QUERY: "#017ed0",
    Phase.READY: "#99a2ba",
    Phase.SENDING: "#dcedf5",
}

DARK: Final = Colours(
    ground="#0b0e14",
    raised="#141a24",
    text="#d7dee9",
    dim="#7d899c",
    rule="#2b3546",
    accent="#56b4e9",
    phases=_DARK_PHASES,
    severities={
        "error": ("#a32a0c", "#ffffff"),
        "warning": ("#7d5600", "#ffffff"),
        "ok": ("#08674c", "#ffffff"),
        "info": ("#1c3550", "#e8eef6"),
    },
    marks={"error": "#ff8a5c", "warning": "#f2b632", "ok": "#2cc295", "info": "#79c3ee"},
    code={
        "keyword": "#cc79a7",
        "string": "#2cc295",
        "number": "#f2b632",
        "comment": "#75829a",
        "name": "#79c3ee",
        "decorator": "#e69f00",
    },
)

LIGHT: Final = Colours(
    ground="#fbfbf8",
    raised="#e9ebee",
    text="#16202c",
    dim="#5b6675",
    rule="#c3cad3",
    accent="#00598f",
    phases={
        Phase.QUEUED: "#8a919b",
        Phase.RUNNING: "#0299df",
        Phase.BLOCKING: "#a43700",
        Phase.AWAITING: "#218f61",
        Phase.THREAD_WAIT: "#9a67aa",
        Phase.THREAD: "#aa6607",
        Phase.POOL_WAIT: "#ae8d09",
        Phase.QUERY: "#125b9f",
        Phase.READY: "#696777",
        Phase.SENDING: "#2c3645",
    },
    severities={
        "error": ("#b93408", "#ffffff"),
        "warning": ("#ffd479", "#2a1c00"),
        "ok": ("#00744f", "#ffffff"),
        "info": ("#d5e4f1", "#10263a"),
    },
    marks={"error": "#b93408", "warning": "#8a5a00", "ok": "#00744f", "info": "#00598f"},
    code={
        "keyword": "#9c3f75",
        "string": "#00744f",
        "number": "#8a5a00",
        "comment": "#66717f",
        "name": "#00598f",
        "decorator": "#8a5a00",
    },
)

CONTRAST: Final = Colours(
    ground="#000000",
    raised="#000000",
    text="#ffffff",
    dim="#d0d0d0",
    rule="#8a8a8a",
    accent="#56d0ff",
    phases={
        Phase.QUEUED: "#6b7481",
        Phase.RUNNING: "#59afe8",
        Phase.BLOCKING: "#ff590d",
        Phase.AWAITING: "#00daa0",
        Phase.THREAD_WAIT: "#cc7ba8",
        Phase.THREAD: "#ffb00e",
        Phase.POOL_WAIT: "#efe344",
        Phase.QUERY: "#1683d2",
        Phase.READY: "#b2c8e3",
        Phase.SENDING: "#ffffff",
    },
    severities={
        "error": ("#ff4b1f", "#000000"),
        "warning": ("#ffc400", "#000000"),
        "ok": ("#00d69c", "#000000"),
        "info": ("#ffffff", "#000000"),
    },
    marks={"error": "#ff7a4d", "warning": "#ffc400", "ok": "#00d69c", "info": "#56d0ff"},
    code={
        "keyword": "#ff9ad0",
        "string": "#00d69c",
        "number": "#ffc400",
        "comment": "#b0b0b0",
        "name": "#56d0ff",
        "decorator": "#ffc400",
    },
)

ANSI: Final = Colours(
    ground="default",
    raised="default",
    text="default",
    dim="bright_black",
    rule="bright_black",
    accent="bright_cyan",
    phases={
        Phase.QUEUED: "bright_black",
        Phase.RUNNING: "bright_cyan",
        Phase.BLOCKING: "bright_red",
        Phase.AWAITING: "green",
        Phase.THREAD_WAIT: "magenta",
        Phase.THREAD: "yellow",
        Phase.POOL_WAIT: "bright_yellow",
        Phase.QUERY: "blue",
        Phase.READY: "white",
        Phase.SENDING: "bright_white",
    },
    severities={
        "error": ("red", "bright_white"),
        "warning": ("yellow", "black"),
        "ok": ("green", "black"),
        "info": ("blue", "bright_white"),
    },
    marks={"error": "bright_red", "warning": "bright_yellow", "ok": "bright_green", "info": "bright_cyan"},
    code={
        "keyword": "magenta",
        "string": "green",
        "number": "yellow",
        "comment": "bright_black",
        "name": "cyan",
        "decorator": "yellow",
    },
)
