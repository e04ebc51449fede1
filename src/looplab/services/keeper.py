"""The keeper: starts the services that a run needs, keeps them for the next run, ends them with the lab."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Literal

from looplab.scenario.services import Services
from looplab.services import address, words
from looplab.services.books import BOOKS
from looplab.services.database import prepare
from looplab.services.embedded import EmbeddedPostgres
from looplab.services.upstream import UpstreamProcess

Level = Literal["info", "warning", "error"]
Tell = Callable[[str, Level, str], None]
"""Takes a line for the log: who says it, how grave it is, and what."""


class ServiceKeeper:
    """Has each service at most once. To be used in one event loop."""

    def __init__(self, tell: Tell) -> None:
        """Prepare; nothing is started before it is needed.

        Args:
            tell: takes progress, and what goes wrong with a service.
        """
        self._tell = tell
        self._postgres: EmbeddedPostgres | None = None
        self._upstream: UpstreamProcess | None = None
        self._starting: dict[str, asyncio.Task[str]] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._told = ""
        self._closed = False

    async def ready(self, services: Services, knobs: Mapping[str, float], folder: Path) -> dict[str, str]:
        """Start what is needed and not there, and wait until it answers.

        A start that nobody waits for any more goes on: the next one who needs the service waits for it.

        Args:
            services: what the scenario says.
            knobs: the knobs, which may set how the upstream answers.
            folder: the lab's private folder.

        Returns:
            The addresses, as environment variables of the app.

        Raises:
            ServiceFailed: one of them is not to be had; with the mend.
        """
        self._told = ""
        needed: dict[str, Callable[[], Coroutine[Any, Any, str]]] = {}
        if services.postgres:
            needed["LAB_POSTGRES"] = lambda: self._ready_postgres(folder)
        if (upstream := services.upstream) is not None:
            numbers = upstream.numbers(knobs)
            needed["LAB_UPSTREAM"] = lambda: self._ready_upstream(numbers, folder)
        tasks = {name: self._join(name, start) for name, start in needed.items()}
        found = {name: await asyncio.shield(task) for name, task in tasks.items()}
        self.turn(services, knobs)
        return found

    def turn(self, services: Services, knobs: Mapping[str, float]) -> None:
        """Tell the upstream how the knobs are now; the next calls have it."""
        if services.upstream is not None and self._upstream is not None and self._upstream.alive:
            self._upstream.turn(services.upstream.numbers(knobs))

    def alive(self, services: Services) -> bool:
        """Tell whether all that is needed runs, as far as it is looplab's own."""
        own = not os.environ.get(address.URL)
        postgres = not services.postgres or not own or (self._postgres is not None and self._postgres.alive)
        upstream = services.upstream is None or (self._upstream is not None and self._upstream.alive)
        return postgres and upstream

    def explained(self, reason: str) -> str:
        """Add to the reason why a server failed what mends it, if it is about the database."""
        mend = words.mend_of_output(reason)
        return f"{reason}; {mend}" if mend else reason

    def hear(self, line: str) -> None:
        """Look at a line of a server's output: one that tells of a database error is explained once a run."""
        mend = words.mend_of_output(line)
        if mend and mend != self._told:
            self._told = mend
            self._tell("postgres", "error", mend)

    async def close(self) -> None:
        """End all services. What is half made is not used by anybody."""
        self._closed = True
        for task in self._starting.values():
            task.cancel()
        if self._starting:
            await asyncio.wait(self._starting.values())
        stops = [service.stop() for service in (self._postgres, self._upstream) if service is not None]
        await asyncio.gather(*stops)
        if self._watchers:
            await asyncio.wait(self._watchers)

    def _join(self, name: str, start: Callable[[], Coroutine[Any, Any, str]]) -> asyncio.Task[str]:
        """Give the start that is in progress, or begin one."""
        task = self._starting.get(name)
        if task is None or task.done():
            task = self._starting[name] = asyncio.create_task(start())
            # If nobody waits for it any more, its failure is nobody's either.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _ready_postgres(self, folder: Path) -> str:
        given = os.environ.get(address.URL, "")
        url = address.check(given) if given else await self._ready_embedded(folder)
        await prepare(url, self._tell_of_books)
        return address.with_schema(url)

    async def _ready_embedded(self, folder: Path) -> str:
        postgres = self._postgres
        if postgres is None:
            postgres = self._postgres = EmbeddedPostgres(
                folder,
                lambda line: self._tell("postgres", "warning", line),
                lambda text: self._tell("postgres", "info", text),
            )
        if not postgres.alive:
            await postgres.start()
            self._watch("postgres", "the embedded PostgreSQL", postgres)
        return postgres.url

    async def _ready_upstream(self, numbers: Mapping[str, float], folder: Path) -> str:
        upstream = self._upstream
        if upstream is None or not upstream.alive:
            upstream = self._upstream = UpstreamProcess(
                folder, lambda line: self._tell("upstream", "warning", line)
            )
            await upstream.start(numbers)
            self._watch("upstream", "the upstream", upstream)
        return upstream.url

    def _watch(self, source: str, name: str, service: EmbeddedPostgres | UpstreamProcess) -> None:
        """Tell when it ends although nobody has asked it to."""

        async def watch() -> None:
            how = await service.wait()
            if not self._closed:
                self._tell(
                    source, "error", f"{name} {how}; requests fail until it comes back with the next start"
                )

        task = asyncio.create_task(watch())
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    def _tell_of_books(self, brought: int) -> None:
        self._tell("postgres", "info", f"bringing in the books: {brought:,} of {BOOKS:,}")
