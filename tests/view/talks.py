"""A talk for tests: two scenes of scenarios on board, and a file of it."""

from __future__ import annotations

from pathlib import Path

from looplab.scenario import Talk, load_talk

TALK = """
title = "Two scenes"

[[scenes]]
scenario = "one-keyword"
variant = "async-await"
notes = "Speak slowly."
[scenes.knobs]
delay = 0.2
[scenes.traffic]
requests = 50
concurrency = 25

[[scenes.steps]]
say = "Who waits?"

[[scenes.steps]]
say = "And now?"
variant = "async-blocking"
until = "in_flight >= 100 and loop.lag_ms > 500"
answer = "Everybody waits for one."
notes = "Point at the staircase."
hold = "2s"

[[scenes.steps]]
say = "Fewer users."
users = 5
zoom = "figures"
until = "done >= 100000"

[[scenes]]
scenario = "cpu-bound"
title = "Only computing"

[[scenes.steps]]
say = "Does it help here?"
traffic = "stop"
"""


def talk(folder: Path, text: str = TALK) -> Talk:
    file = folder / "talk.toml"
    file.write_text(text, encoding="utf-8")
    return load_talk(file)
