"""What the screen needs of a lab: a live one has it, and so has whatever stands in its place."""

from __future__ import annotations

from typing import Protocol

from looplab.lab import Selection
from looplab.view.taping import Records
from looplab.view.turning import Turnable


class LabLike(Turnable, Records, Protocol):
    """What the screen needs of a lab."""

    @property
    def backlog(self) -> int: ...  # noqa: D102
    def start(self, selection: Selection) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102
    def stop_traffic(self) -> None: ...  # noqa: D102
    def start_traffic(self, *, selection: Selection | None = None) -> None: ...  # noqa: D102
    def drain(self, budget_ns: int) -> bool: ...  # noqa: D102
    def start_monitor(self, worker: int, *, console: bool = False, terminal: bool = False) -> None: ...  # noqa: D102
    def stop_monitor(self, worker: int) -> None: ...  # noqa: D102
    def cancel_task(self, worker: int, number: int, name: str) -> None: ...  # noqa: D102
    def describe_task(self, worker: int, number: int, name: str) -> None: ...  # noqa: D102
