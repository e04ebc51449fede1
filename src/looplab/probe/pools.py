"""The pools of a worker besides anyio's default limiter: their hooks, their books and their names."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any, Protocol

from looplab.probe.faults import Faults, Instrument
from looplab.probe.slots import SlotBook
from looplab.wire.clock import S, now_ns
from looplab.wire.events import Event, Notice

LOOK_EVERY_NS = S // 4
"""Time between two looks for libraries that the application has imported since."""

MOST_POOLS = 32
"""Pools that are told; an application that makes one for each request is told of no more at once."""


class Hooks(Protocol):
    """An instrument that waits for a library."""

    instrument: Instrument
    modules: tuple[str, ...]
    """Modules with a class to wrap, each as soon as it is imported."""

    def wrap(self, module: Any) -> bool:
        """Put the wrappers in place; False if the module is still being imported."""

    def unwrap(self) -> None:
        """Put the originals back."""


class Pools:
    """Finds the libraries, and keeps the books of all pools by name.

    `add` may be called in any thread. All else belongs to the emitter's thread, but for `start` and
    `stop`.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._hooks: list[Hooks] = []
        self._missing: list[tuple[Hooks, str]] = []
        self._on: set[Instrument] = set()
        self._looked_ns = 0
        self._fresh: deque[SlotBook] = deque()
        self._untold: list[SlotBook] = []
        self._told: list[SlotBook] = []
        self._dropped = 0

    def start(self, *hooks: Hooks) -> list[Instrument]:
        """Wrap what is imported, keep an eye on what is not, and give the instruments that work."""
        self._hooks = list(hooks)
        self._missing = [(hook, module) for hook in hooks for module in hook.modules]
        self._look(announce=False)
        return sorted(self._on)

    def stop(self) -> None:
        """Put everything back as it was."""
        self._missing = []
        for hook in self._hooks:
            self._faults.guard(hook.instrument, hook.unwrap)

    def add(self, book: SlotBook) -> None:
        """Take a pool that was seen for the first time."""
        self._fresh.append(book)

    @property
    def dropped(self) -> int:
        """Uses that did not fit into a buffer."""
        return self._dropped + sum(book.uses.dropped for book in [*self._told, *self._untold])

    def collect(self) -> list[Event]:
        """Give what is new of every pool."""
        now = now_ns()
        if self._missing and now - self._looked_ns >= LOOK_EVERY_NS:
            self._looked_ns = now
            self._look(announce=True)
        if not (self._fresh or self._told or self._untold):
            return []
        self._name()
        events: list[Event] = []
        for book in list(self._told):
            if book.instrument in self._faults.off:
                continue
            try:
                if book.gone and not book.open:
                    self._told.remove(book)
                    self._dropped += book.uses.dropped
                    events += book.last()
                else:
                    events += book.collect()
            except Exception as error:
                self._faults.fail(book.instrument, error)
        return events

    def _name(self) -> None:
        """Give names to the pools that are worth telling, and forget those that were not and are gone."""
        while self._fresh:
            self._untold.append(self._fresh.popleft())
        for book in list(self._untold):
            if book.worth_telling and len(self._told) < MOST_POOLS:
                self._untold.remove(book)
                book.name = self._free_name(book)
                self._told.append(book)
            elif book.gone and not book.open:
                self._untold.remove(book)

    def _free_name(self, book: SlotBook) -> str:
        taken = {told.name for told in self._told}
        number = book.first
        while (name := book.base if number == 1 else f"{book.base} {number}") in taken:
            number += 1
        return name

    def _look(self, announce: bool) -> None:
        for hook, name in list(self._missing):
            module = sys.modules.get(name)
            if module is None:
                continue
            try:
                if not hook.wrap(module):
                    continue
            except Exception as error:
                self._faults.fail(hook.instrument, error)
            self._missing.remove((hook, name))
            if hook.instrument in self._on | self._faults.off:
                continue
            self._on.add(hook.instrument)
            if announce:
                text = f'the instrument "{hook.instrument}" is on: the application has imported {name}'
                self._faults.notices.append(Notice(now_ns(), "probe", "info", text))
