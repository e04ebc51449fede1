"""A lab without processes: tests fill its inbox, and read what the screen asked of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path

from looplab.lab import Selection
from looplab.lab.tape import Tape
from looplab.model import Model
from looplab.recording import Recorder
from looplab.wire.events import Batch, RunStarted


class FakeLab:
    """The public interface of `looplab.lab.Lab`; every call is noted in `calls`."""

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        self.model = Model()
        self.selection: Selection | None = None
        self.inbox: deque[Batch] = deque(batches)
        self.calls: list[tuple[object, ...]] = []
        self.recording: Recorder | None = None
        self._tape = Tape()
        self.failures: list[str] = []

    @property
    def backlog(self) -> int:
        return len(self.inbox)

    def open(self) -> None:
        self.calls.append(("open",))

    def close(self) -> None:
        self.calls.append(("close",))

    def start(self, selection: Selection) -> None:
        self.selection = selection
        self.calls.append(("start", selection.scenario.id, selection.variant.id, selection.knobs))

    def stop(self) -> None:
        self.selection = None
        self.calls.append(("stop",))

    def stop_traffic(self) -> None:
        self.calls.append(("stop_traffic",))

    def start_traffic(self, *, selection: Selection | None = None) -> None:
        self.selection = selection or self.selection
        self.calls.append(("start_traffic",))

    def burst(self, requests: int | None = None, concurrency: int | None = None) -> None:
        self.calls.append(("burst", requests, concurrency))

    def set_users(self, users: int) -> None:
        assert self.selection is not None
        self.selection = self.selection.with_users(users)
        self.calls.append(("set_users", users))

    def set_rate(self, rate: float) -> None:
        assert self.selection is not None
        self.selection = self.selection.with_rate(rate)
        self.calls.append(("set_rate", rate))

    def set_think(self, seconds: float) -> None:
        assert self.selection is not None
        self.selection = self.selection.with_think(seconds)
        self.calls.append(("set_think", seconds))

    def set_mix(self, weights: list[float]) -> None:
        assert self.selection is not None
        self.selection = self.selection.with_weights(weights)
        self.calls.append(("set_mix", weights))

    def start_monitor(self, worker: int, *, console: bool = False, terminal: bool = False) -> None:
        self.calls.append(("start_monitor", worker, console, terminal))

    def stop_monitor(self, worker: int) -> None:
        self.calls.append(("stop_monitor", worker))

    def cancel_task(self, worker: int, number: int, name: str) -> None:
        self.calls.append(("cancel_task", worker, number, name))

    def describe_task(self, worker: int, number: int, name: str) -> None:
        self.calls.append(("describe_task", worker, number, name))

    def record(self, path: Path) -> Recorder:
        """Record the stream, as a lab does."""
        chosen = self.selection
        assert chosen is not None
        recorder = Recorder(
            path, chosen.scenario.id, chosen.variant.id, chosen.knobs, {}, self.failures.append
        )
        self.recording = recorder
        self._tape.begin(recorder)
        self.calls.append(("record", path.name))
        return recorder

    def stop_recording(self) -> None:
        assert self.recording is not None
        self._tape.end()
        self.recording.close()
        self.recording = None
        self.calls.append(("stop_recording",))

    def drain(self, budget_ns: int) -> bool:
        applied = bool(self.inbox)
        while self.inbox:
            batch = self.inbox.popleft()
            if isinstance(batch.events[0], RunStarted):
                self.model = Model()
            self.model.apply(batch)
            self._tape.put(batch)
        return applied

    def wait(self, timeout_s: float) -> bool:
        return bool(self.inbox)
