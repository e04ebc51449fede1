"""The screen, wired: the lab, the scenarios, and the application that shows them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from looplab.scenario import Scenario, Talk, Variant, catalogue, knob_values, plan_for

from .browser import end_with_parent, in_browser
from .taping import begun, told

if TYPE_CHECKING:
    from pathlib import Path

    from looplab.lab import Ensemble, Lab, Selection
    from looplab.recording import Index, Recording
    from looplab.traffic.plan import Locust
    from looplab.view.app import LoopLabApp
    from looplab.view.settings import Keeper


def obstacle() -> str:
    """Say why no screen can be shown; empty if one can. Textual draws on standard error."""
    if in_browser():
        return ""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "there is no terminal here"
    if not sys.stderr.isatty():
        return "standard error is redirected, and the screen is drawn there"
    return "TERM=dumb cannot show the screen" if os.environ.get("TERM") == "dumb" else ""


def remembered() -> Keeper:
    """Read the settings of the person at this screen."""
    from looplab.view.settings import Keeper, SettingsError, settings_file

    try:
        return Keeper(settings_file(os.environ))
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def open_screen(
    scenario: Scenario,
    variant: Variant,
    overrides: Mapping[str, str | float],
    *,
    generators: int = 1,
    locust: Locust | None = None,
    console: bool = False,
    theme: str | None = None,
    compare: bool = False,
    picks: bool = False,
    file: Path | None = None,
) -> int:
    """Show a scenario until the user quits; give the exit status.

    Args:
        scenario: what is opened first.
        variant: what is started first.
        overrides: what was set on the command line.
        generators: traffic processes that share the plan.
        locust: how Locust makes the traffic; None for looplab's own processes.
        console: whether aiomonitor may open a Python console in a worker.
        theme: colours for this time; None takes those of the settings.
        compare: whether the variants are compared from the start.
        picks: whether the requests are picked on the screen.
        file: what goes on is recorded into it.
    """
    from looplab.lab import Selection
    from looplab.locust import limits

    selection = Selection(
        scenario=scenario,
        variant=variant,
        knobs=knob_values(scenario, overrides),
        plan=plan_for(scenario, variant, overrides),
        generators=generators,
        engine=locust,
        waits=picks,
    )
    if locust is not None and (reason := limits.obstacle(selection.plan, generators, variant.instances)):
        raise click.ClickException(f"{scenario.id} › {variant.id}: {reason}")
    scenarios = catalogue()
    if all(scenario.folder != known.folder for known in scenarios):
        scenarios.append(scenario)
    with _live() as (lab, ensemble):
        recorder = None if file is None else begun(lab, file, selection)
        if not compare:
            # The server starts while the screen is loaded: both take about as long.
            lab.start(selection)
        # Only here: whoever has no terminal needs no Textual.
        from looplab.view.app import LoopLabApp

        app = LoopLabApp(
            lab,
            scenarios,
            selection,
            console=console,
            keeper=remembered(),
            theme=theme,
            ensemble=ensemble,
            compare=compare,
            publish=lab.tell_notes,
        )
        status = run_app(app)
    if recorder is not None:
        click.echo(told(recorder))
    return status


def open_replay(recording: Recording, index: Index, speed: float) -> int:
    """Show a recording until the user quits; give the exit status.

    Args:
        recording: what to show.
        index: what is in it.
        speed: seconds of the recording in a second.
    """
    from looplab.view.app import LoopLabApp
    from looplab.view.replay import Player

    scenarios = catalogue()
    player = Player(recording, index, scenarios, speed=speed)
    # Nothing runs in it before somebody asks for it by F9.
    with _live() as (lab, ensemble):
        app = LoopLabApp(
            lab, scenarios, player.selection, keeper=remembered(), ensemble=ensemble, player=player
        )
        return run_app(app)


def open_talk(talk: Talk, scene: int, *, auto: bool) -> int:
    """Show a talk until the speaker quits; give the exit status.

    Args:
        talk: what is told.
        scene: place of the scene that it begins with.
        auto: whether it goes on by itself everywhere.
    """
    from looplab.view.app import LoopLabApp
    from looplab.view.presenter.selections import opened

    with _live() as (lab, ensemble):
        app = LoopLabApp(
            lab,
            catalogue(),
            opened(talk.scenes[scene]),
            keeper=remembered(),
            ensemble=ensemble,
            talk=talk,
            scene=scene,
            auto=auto,
            publish=lab.tell_notes,
        )
        return run_app(app)


@contextmanager
def _live() -> Iterator[tuple[Lab, Callable[[Sequence[Selection]], Ensemble]]]:
    """Give an open lab, and what makes an ensemble of them; what was opened is closed at the end."""
    from looplab.lab import Ensemble, Lab

    compared: list[Ensemble] = []

    def ensemble(selections: Sequence[Selection]) -> Ensemble:
        made = Ensemble(selections)
        made.open()
        # The one before was closed when it was left.
        compared[:] = [made]
        return made

    lab = Lab()
    lab.open()
    try:
        yield lab, ensemble
    finally:
        for made in compared:
            made.close()
        lab.close()


def run_app(app: LoopLabApp) -> int:
    """Run the application; give the exit status."""
    # The keyboard's Ctrl-C is a key here. A signal from outside cancels the application, which gives
    # the terminal back; it takes care of TERM and HUP itself.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if in_browser():
        end_with_parent()
    app.run()
    return app.return_code or 0
