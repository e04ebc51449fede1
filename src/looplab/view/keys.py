"""The keys of the main screen, once for all: bindings, help and command palette read this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Key:
    """One action."""

    keys: str
    """Textual's names, separated by commas."""
    shown: str
    action: str
    title: str
    """For the command palette; empty keeps it out."""
    help: str


KEYS: Final = (
    Key("tab", "tab", "variant(1)", "Next variant", "the next variant of the scenario"),
    Key("shift+tab", "shift+tab", "variant(-1)", "Previous variant", "the variant before"),
    Key("right_square_bracket", "]", "scenario(1)", "Next scenario", "the next scenario"),
    Key("left_square_bracket", "[", "scenario(-1)", "Previous scenario", "the scenario before"),
    Key("b", "b", "burst", "Burst again", "fire the burst again"),
    Key(
        "s",
        "s",
        "traffic",
        "Stop or start the traffic",
        "stop the traffic, start it again; also a failed server",
    ),
    Key("space", "space", "freeze", "Freeze the picture", "hold the picture; the traffic goes on"),
    Key("plus,equals_sign", "+", "users(1)", "More users", "more users"),
    Key("minus", "-", "users(-1)", "Fewer users", "fewer users"),
    Key("asterisk,shift+plus", "*", "users(10)", "Ten times the users", "ten times the users"),
    Key("underscore,shift+minus", "_", "users(-10)", "A tenth of the users", "a tenth of the users"),
    Key("right_curly_bracket", "}", "pick(1)", "Pick the next knob", "pick the next knob"),
    Key("left_curly_bracket", "{", "pick(-1)", "Pick the knob before", "pick the knob before"),
    Key("greater_than_sign", ">", "turn(1)", "Turn the knob up", "turn the knob up"),
    Key("less_than_sign", "<", "turn(-1)", "Turn the knob down", "turn the knob down"),
    Key("k", "k", "code", "Show or hide the code", "show or hide the code"),
    Key("l", "l", "logs", "Show the log", "show the log of server, traffic and lab"),
    Key("question_mark", "?", "help", "Help", "this help"),
    Key("q", "q", "quit", "", "quit"),
)
"""In the order of the help. The digits, which open a scenario each, are added by the screen."""
