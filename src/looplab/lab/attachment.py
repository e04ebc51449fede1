"""A lab that starts no server: it waits for those that join, and shows what they do."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from looplab.lab.selection import Selection
from looplab.scenario import Scenario, Variant
from looplab.traffic.plan import Plan, Target
from looplab.wire.events import RunStarted

ID = "attach"

NOTHING = Plan(executor="stream")
"""No traffic of looplab's own."""


class Attachment(Selection, frozen=True):
    """What is shown of servers that join, and the traffic that they get beside that of others."""

    socket: Path = Path()
    """Where servers join."""
    aims: tuple[Target, ...] = ()
    """Where looplab's own traffic goes; nowhere if empty."""
    remote: tuple[str, ...] = ()
    """Hosts beyond this machine that it may go to."""

    @property
    def targets(self) -> list[Target]:
        """Where the traffic goes."""
        return list(self.aims)

    @property
    def allow_remote(self) -> list[str]:
        """Hosts beyond this machine that the traffic may go to."""
        return list(self.remote)

    def announce(self, run: int, warm: bool, first_id: int) -> RunStarted:
        """Give the event that begins a run: which servers come is not known."""
        return replace(super().announce(run, warm, first_id), server="", workers=0, source="", instances=0)


def attachment(
    name: str,
    socket: Path,
    plan: Plan = NOTHING,
    aims: Sequence[Target] = (),
    remote: Sequence[str] = (),
    generators: int = 1,
) -> Attachment:
    """Make what `looplab attach` shows.

    Args:
        name: what people call it.
        socket: where servers join.
        plan: traffic of looplab's own.
        aims: where that goes; empty makes none.
        remote: hosts beyond this machine that it may go to.
        generators: traffic processes that share the plan.
    """
    variant = Variant(id=ID, title=name, app="app:app")
    scenario = Scenario(
        id=ID,
        folder=Path.cwd(),
        title="attach",
        question="",
        source="",
        knobs={},
        variants=[variant],
        traffic=plan,
        claims=[],
        steps=[],
    )
    return Attachment(
        scenario=scenario,
        variant=variant,
        knobs={},
        plan=plan,
        generators=generators,
        socket=socket,
        aims=tuple(aims),
        remote=tuple(remote),
    )


def instructions(socket: Path) -> list[tuple[str, list[str]]]:
    """Say how a server joins: what for, and the lines to paste in its terminal."""
    variable = f"export LOOPLAB_SOCKET={shlex.quote(str(socket))}"
    return [
        ("In the terminal of your server, first:", [variable]),
        ("then uvicorn as always, with one word more:", ["UVICORN_LOOP=looplab.probe.loop:auto uvicorn …"]),
        (
            "or gunicorn:",
            ['GUNICORN_CMD_ARGS="--config python:looplab.probe.gunicorn_join" gunicorn …'],
        ),
        (
            "or, once in your app, this line; then any command starts it:",
            ["import looplab.probe; looplab.probe.install()"],
        ),
    ]
