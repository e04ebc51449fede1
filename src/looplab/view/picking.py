"""Whose routes are picked: asks an app of one's own for its OpenAPI document, and starts what was picked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from msgspec.structs import replace

from looplab.lab import Selection
from looplab.lab.document import ask
from looplab.model import Model
from looplab.scenario import ScenarioError, traffic_text
from looplab.scenario.openapi import NoDocument, Route
from looplab.traffic.plan import Plan, RequestSpec
from looplab.view.state import Choice

FILE = "traffic"
"""Name of the files that picked routes are written to, before number and ending."""


class Startable(Protocol):
    """What it needs of a lab."""

    @property
    def model(self) -> Model: ...  # noqa: D102
    def start_traffic(self, *, selection: Selection | None = None) -> None: ...  # noqa: D102


class Picking:
    """Knows the routes of the app that runs, and which of them were picked."""

    def __init__(
        self,
        lab: Startable,
        choice: Choice,
        hint: Callable[[str], None],
        work: Callable[[Coroutine[Any, Any, None]], object],
        show: Callable[[list[Route], list[RequestSpec] | None], None],
    ) -> None:
        """Prepare.

        Args:
            lab: runs the app.
            choice: holds what is picked.
            hint: says something in the footer.
            work: runs a coroutine beside the frames.
            show: opens the list of routes, with the requests that were picked before; None if none were yet.
        """
        self._lab = lab
        self._choice = choice
        self._hint = hint
        self._work = work
        self._show = show
        self._asked = 0
        """Run whose server was asked."""

    @property
    def _address(self) -> str:
        server = self._lab.model.server
        return server.address if server is not None and server.state == "ready" else ""

    def follow(self) -> None:
        """Ask the server once it is ready, if it waits for its traffic."""
        run = self._lab.model.run
        if self._choice.selection.waits and run is not None and run.run != self._asked and self._address:
            self._asked = run.run
            self._choice.stopped = True
            self._work(self._ask())

    def again(self) -> None:
        """Open the list."""
        if self._choice.selection.variant.own is None:
            self._hint("routes are picked for an app of your own: looplab run MODULE:APP")
        elif not self._address:
            self._hint("the app must run before it can be asked for its routes")
        else:
            self._work(self._ask())

    async def _ask(self) -> None:
        selection = self._choice.selection
        headers = selection.plan.mix[0].headers if selection.plan.mix else {}
        try:
            routes = await asyncio.to_thread(ask, self._address, headers)
        except NoDocument as reason:
            self._hint(f"no OpenAPI document: {reason}")
            if selection.waits:
                self.start(selection.plan.mix)
            return
        if selection is not self._choice.selection:
            return
        self._show(routes, None if selection.waits else selection.plan.mix)

    def start(self, mix: list[RequestSpec]) -> None:
        """Send these requests from now on."""
        choice = self._choice
        plan = replace(choice.selection.plan, mix=mix)
        choice.selection = replace(choice.selection, plan=plan, waits=False)
        choice.stopped = False
        self._lab.start_traffic(selection=choice.selection)

    def write(self, mix: list[RequestSpec]) -> str:
        """Write the picked requests as a traffic file into the current folder; give what came of it."""
        plan: Plan = replace(self._choice.selection.plan, mix=mix)
        number = 1
        while (path := Path.cwd() / f"{FILE}-{number}.toml").exists():
            number += 1
        try:
            path.write_text(traffic_text(plan), encoding="utf-8")
        except ScenarioError as error:
            return f"not written: {error}"
        except OSError as error:
            return f"not written: {path.parent}: {error.strerror}"
        return f"written: {path.name}, for --traffic"
