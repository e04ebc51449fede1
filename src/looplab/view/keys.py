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
    Key("tab", "tab", "variant(1)", "Next variant", "next variant"),
    Key("shift+tab", "shift+tab", "variant(-1)", "Previous variant", "variant before"),
    Key("right_square_bracket", "]", "scenario(1)", "Next scenario", "next scenario"),
    Key("left_square_bracket", "[", "scenario(-1)", "Previous scenario", "scenario before"),
    Key("b", "b", "burst", "Fire a burst", "fire a burst, again"),
    Key(
        "s",
        "s",
        "traffic",
        "Stop or start the traffic",
        "stop or start the traffic",
    ),
    Key("space", "space", "freeze", "Freeze or go on", "freeze the picture"),
    Key("left", "←", "scrub(-1)", "Scrub back", "back one column"),
    Key("right", "→", "scrub(1)", "Scrub on", "on one column"),
    Key("shift+left", "shift+←", "scrub(-10)", "Scrub back by ten", "back ten columns"),
    Key("shift+right", "shift+→", "scrub(10)", "Scrub on by ten", "on ten columns"),
    Key("home", "home", "begin", "Go to the beginning", "to the beginning"),
    Key("end", "end", "present", "Go back to the present", "to the present"),
    Key("up", "↑", "speed(1)", "Play on faster: 0.1× to 10×", "play on, faster"),
    Key("down", "↓", "speed(-1)", "Play on in slow motion", "slow motion, slower"),
    Key("full_stop", ".", "request(1)", "Light the next request", "light next request"),
    Key("comma", ",", "request(-1)", "Light the request before", "light the one before"),
    Key("right_parenthesis", ")", "widen(1)", "Wider window, to 5 minutes", "wider window"),
    Key("left_parenthesis", "(", "widen(-1)", "Narrower window, to 1 second", "narrower window"),
    Key("w", "w", "strip", "Window: sweep or running strip", "sweep or running strip"),
    Key("u", "u", "single", "Users: two bars a row, or glyphs", "users dense or single"),
    Key("plus,equals_sign", "+", "users(1)", "More users, or a higher rate", "more users, higher rate"),
    Key("minus", "-", "users(-1)", "Fewer users, or a lower rate", "fewer users, lower rate"),
    Key("asterisk,shift+plus", "*", "users(10)", "Ten times the users, or the rate", "ten times as many"),
    Key(
        "underscore,shift+minus", "_", "users(-10)", "A tenth of the users, or of the rate", "a tenth as many"
    ),
    Key("right_curly_bracket", "}", "pick(1)", "Pick the next knob: delay, think time, mix …", "next knob"),
    Key("left_curly_bracket", "{", "pick(-1)", "Pick the knob before", "knob before"),
    Key("greater_than_sign", ">", "turn(1)", "Turn the knob up", "turn it up"),
    Key("less_than_sign", "<", "turn(-1)", "Turn the knob down", "turn it down"),
    Key("n,enter", "n", "next_step", "Next step", "next step, or enter"),
    Key("p", "p", "step_back", "Step before", "step before"),
    Key("z", "z", "zoom(1)", "Zoom the next panel", "zoom a panel, the next"),
    Key("Z", "Z", "zoom(-1)", "Zoom the panel before", "zoom the one before"),
    Key("escape", "esc", "leave", "", "light out, all panels"),
    Key("K", "K", "pressed", "Show pressed keys, or not", "show pressed keys"),
    Key("c", "c", "compare", "Compare variants side by side", "compare variants"),
    Key("r", "r", "record", "Record, or end the recording", "record, or stop it"),
    Key("f9", "F9", "replay", "The last recording in place of the live run", "last recording, or live"),
    Key("d", "d", "details", "Why: details of the verdict", "details of the verdict"),
    Key("k", "k", "code", "Show or hide the code", "code on or off"),
    Key("l", "l", "logs", "Show the log", "log of all processes"),
    Key("t", "t", "tasks", "Tasks of a worker (aiomonitor)", "tasks of a worker"),
    Key("T", "T", "theme", "Next theme", "next theme"),
    Key("o", "o", "list", "List of scenarios and variants", "list of scenarios"),
    Key("m", "m", "routes", "Pick the routes of your own app", "routes of your own app"),
    Key("y", "y", "copy", "Copy the verdict", "copy the verdict"),
    Key("P", "P", "picture", "", "picture of the screen"),
    Key("question_mark", "?", "help", "Help", "this help"),
    Key("q", "q", "quit", "", "quit"),
)
"""In the order of the help. The digits, which open a scenario each, are added by the screen."""

TASK_KEYS: Final = (
    Key("enter", "enter", "stacks", "Stacks of the task under the cursor", "stacks"),
    Key("x", "x", "cancel", "Cancel it, after a question", "cancel"),
    Key("e", "e", "ended", "The tasks that live, or those that ended", "ended"),
    Key("a", "a", "terminal", "Go to aiomonitor's own terminal, and come back", "aiomonitor"),
    Key("space", "space", "hold", "Hold the list, or let it go on", "hold"),
    Key("right", "→", "worker(1)", "Next worker; digits choose one", "worker"),
    Key("left", "←", "worker(-1)", "Worker before", "worker before"),
    Key("question_mark", "?", "app.help", "This help", "help"),
    Key("escape,t,q", "esc", "leave", "Stop aiomonitor, and go back to the picture", "back"),
)
"""The keys of the tasks; actions are those of its screen, and the words are those of its last row."""

STACK_KEYS: Final = (
    Key("f", "f", "unfold", "All frames of libraries, or only the ends of each run of them", "all frames"),
    Key("question_mark", "?", "app.help", "This help", "help"),
    Key("escape,enter,q", "esc", "dismiss", "Back to the tasks", "back"),
)
"""The keys of the stacks of a task."""

PICKER_KEYS: Final = (
    Key("enter", "enter", "pick", "Open it", "open"),
    Key("question_mark", "?", "app.help", "This help", "help"),
    Key("escape,q,o", "esc", "close", "Back to the picture", "back"),
)
"""The keys of the list of scenarios; arrows and `enter` are those of the list itself."""

ROUTES_KEYS: Final = (
    Key("space", "space", "pick", "Pick the route under the cursor, or drop it", "pick"),
    Key("plus,equals_sign", "+", "weigh(1)", "Ask for it more often", "more often"),
    Key("minus", "-", "weigh(-1)", "Ask for it less often", "less often"),
    Key("a", "a", "all", "Pick all routes that read, or none", "all that read"),
    Key("enter", "enter", "send", "Send what is picked", "send"),
    Key("w", "w", "file", "Write what is picked to a traffic file, for --traffic", "write a file"),
    Key("question_mark", "?", "app.help", "This help", "help"),
    Key("escape,q,m", "esc", "close", "Back to the picture", "back"),
)
"""The keys of the routes of one's own app; arrows are those of the list itself."""

DETAILS_KEYS: Final = (
    Key("question_mark", "?", "app.help", "This help", "help"),
    Key("escape,d,q,enter", "d", "dismiss", "Back to the picture", "back"),
)
"""The keys of the page behind the verdict."""

LOG_KEYS: Final = (
    Key("slash", "/", "filter", "Only lines with a text, letter by letter", "text"),
    Key("v", "v", "level", "All lines, warnings and errors, or errors", "level"),
    Key("o", "o", "source", "All sources, or one after the other", "source"),
    Key("space", "space", "hold", "Hold the lines, or let them go on", "hold"),
    Key("f", "f", "follow", "Go to the last line, and follow", "follow"),
    Key("y", "y", "copy", "Copy the lines that are shown", "copy"),
    Key("question_mark", "?", "app.help", "This help", "help"),
    Key("escape", "esc", "back", "Drop the filter; then back to the picture", "back"),
    Key("l,q", "q", "leave", "Back to the picture", "leave"),
)
"""The keys of the log; actions are those of its screen, and the words are those of its last row."""

REPLAY_KEYS: Final = (
    Key("space", "space", "freeze", "Pause, play; at the end, again from the beginning", "pause, play"),
    Key("left", "←", "scrub(-1)", "Back by a column; by ten while it plays", "back"),
    Key("right", "→", "scrub(1)", "On by a column; by ten while it plays", "on"),
    Key("up", "↑", "speed(1)", "Faster, up to 10×", "faster"),
    Key("down", "↓", "speed(-1)", "Slower, down to 0.1×", "slower"),
    Key("right_curly_bracket", "}", "pick(1)", "The next mark: ┃ a run, ◆ a turn, ▲ a stall", "next mark"),
    Key("left_curly_bracket", "{", "pick(-1)", "The mark before", "mark before"),
    Key("home", "home", "begin", "To the beginning", "to the beginning"),
    Key("end", "end", "present", "To the end", "to the end"),
    Key("full_stop", ".", "request(1)", "Stand at the next request, and light it", "light next request"),
    Key("comma", ",", "request(-1)", "Stand at the request before, and light it", "light the one before"),
    Key("f9", "F9", "replay", "The live run in place of the recording", "live run"),
)
"""Keys of the main screen that mean something else in a replay."""

COMPARE_KEYS: Final = (
    Key("tab", "tab", "pick(1)", "Pick the next variant", "pick the next variant"),
    Key("shift+tab", "shift+tab", "pick(-1)", "Pick the variant before", "pick the one before"),
    Key("enter", "enter", "open", "Open the variant that is picked", "open it"),
    Key("c", "c", "back", "Back to one variant", "back to one variant"),
    Key("z", "z", "zoom", "Give the variant that is picked the screen, or show all", "zoom it, or all"),
    Key("escape", "esc", "leave", "", "show all, then back"),
    Key("o", "o", "turns", "One after the other, or all at once", "one after the other"),
    Key("v", "v", "swap", "Another variant in its place", "another variant here"),
    Key("b", "b", "burst", "Fire a burst at all", "fire a burst, again"),
    Key("s", "s", "traffic", "Stop or start the traffic of all", "stop or start the traffic"),
    Key("space", "space", "freeze", "Freeze or go on", "freeze the picture"),
    Key("left", "←", "scrub(-1)", "Scrub back", "back one column"),
    Key("right", "→", "scrub(1)", "Scrub on", "on one column"),
    Key("plus,equals_sign", "+", "users(1)", "More users, or a higher rate", "more users, higher rate"),
    Key("minus", "-", "users(-1)", "Fewer users, or a lower rate", "fewer users, lower rate"),
    Key("asterisk,shift+plus", "*", "users(10)", "Ten times the users, or the rate", "ten times as many"),
    Key(
        "underscore,shift+minus", "_", "users(-10)", "A tenth of the users, or of the rate", "a tenth as many"
    ),
    Key("right_curly_bracket", "}", "knob(1)", "Pick the next knob", "next knob"),
    Key("left_curly_bracket", "{", "knob(-1)", "Pick the knob before", "knob before"),
    Key("greater_than_sign", ">", "turn(1)", "Turn the knob up", "turn it up"),
    Key("less_than_sign", "<", "turn(-1)", "Turn the knob down", "turn it down"),
    Key("n", "n", "app.next_step", "Next step", "next step"),
    Key("p", "p", "app.step_back", "Step before", "step before"),
    Key("K", "K", "app.pressed", "Show pressed keys, or not", "show pressed keys"),
    Key("r", "r", "record", "Record all variants, a file each, or end it", "record all, or stop it"),
    Key("d", "d", "details", "Why: details of the verdict", "details of the verdict"),
    Key("l", "l", "logs", "Show the log of the variant", "log of the variant"),
    Key("T", "T", "app.theme", "", "next theme"),
    Key("question_mark", "?", "app.help", "Help", "this help"),
    Key("q", "q", "app.quit", "", "quit"),
)
"""The keys of the comparison; actions are those of its screen."""

_OF_THE_APPLICATION: Final = frozenset(("P", "T", "q", "question_mark"))
ALONE: Final = tuple(
    (name, key.shown)
    for key in KEYS
    for name in key.keys.split(",")
    if name not in _OF_THE_APPLICATION | {name for other in COMPARE_KEYS for name in other.keys.split(",")}
)
"""Keys that need one variant alone, with what is shown of them: in the comparison they say so."""

COMPARE_FOOTER: Final = (
    ((("p", "app.step_back"), ("n", "app.next_step")), "step"),
    ((("c", "back"),), "back"),
    ((("tab", "pick(1)"),), "pick"),
    ((("enter", "open"),), "open"),
    ((("b", "burst"),), "burst"),
    ((("z", "zoom"),), "zoom"),
    ((("o", "turns"),), "one after the other"),
    ((("v", "swap"),), "other variant"),
    ((("r", "record"),), "record"),
    ((("space", "freeze"),), "freeze"),
    ((("←", "scrub(-1)"), ("→", "scrub(1)")), "scrub"),
    ((("s", "traffic"),), "stop"),
    ((("n", "app.next_step"),), "steps"),
    ((("-", "users(-1)"), ("+", "users(1)")), "users"),
    ((("<", "turn(-1)"), (">", "turn(1)")), "knob"),
    ((("d", "details"),), "why"),
    ((("l", "logs"),), "logs"),
    ((("?", "app.help"),), "help"),
    ((("q", "app.quit"),), "quit"),
)
"""Keys, actions and words of its footer, the most important first; the last two are never left out."""
