"""The lab: what a screen or a report holds of a run."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from looplab.lab import turns
from looplab.lab.conductor import READY_DEADLINE_S, Conductor
from looplab.lab.door import Door
from looplab.lab.gate import Ticket
from looplab.lab.inbox import Inbox
from looplab.lab.notes import Notes
from looplab.lab.selection import Selection
from looplab.lab.shot import Shot
from looplab.lab.tape import Tape
from looplab.model import Model
from looplab.recording import Recorder
from looplab.wire.clock import now_ns
from looplab.wire.control import CancelTask, DescribeTask, StartMonitor, StopMonitor
from looplab.wire.events import RunStarted, TrafficState

CLOSE_S = 2.0
"""Most time that `close` takes. What would not end by then goes with its lifeline."""


class Lab:
    """Runs selections one after another in a thread of its own, and feeds one model.

    All methods are for one thread, that of the screen or the report. None blocks but `wait` and
    `close`, and none raises for what goes wrong with a run: progress and failure arrive as events.
    Whoever opens a lab closes it; at the normal end of the interpreter it closes itself, and if the
    process is killed, the guards of its children end them.
    """

    def __init__(self, ready_deadline_s: float = READY_DEADLINE_S, door: Door | None = None) -> None:
        """Prepare a lab; `open` starts it.

        Args:
            ready_deadline_s: a server that is not ready within it has failed.
            door: where servers join, for an `Attachment`.
        """
        self.model = Model()
        """The model of the present run; `drain` makes a new one when a run begins."""
        self.selection: Selection | None = None
        """What was started last."""
        self.heard: Callable[[Model], None] | None = None
        """Is told of the model after each `drain` that has applied something, in the thread of `drain`."""
        self._tape = Tape()
        self._inbox = Inbox(tap=self._tape.put)
        self._recorder: Recorder | None = None
        self._conductor = Conductor(self._inbox, ready_deadline_s, door)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start the lab's thread. A lab is opened once."""
        running = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(running,), name="looplab lab", daemon=True)
        self._thread.start()
        running.wait()
        atexit.register(self.close)

    def close(self) -> None:
        """End all that runs and remove the private folder, within 2 s. Further calls do nothing.

        A recording that is on is ended first; a disk that is slow to take the rest of it has 2 s more.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        atexit.unregister(self.close)
        # How everything is ended is no part of a recording.
        self.stop_recording()
        self._call(self._conductor.close)
        thread.join(CLOSE_S)
        if self._recorder is not None:
            self._recorder.close(CLOSE_S)

    def record(self, path: Path, selection: Selection | None = None) -> Recorder:
        """Record what goes on, from the last seconds before now; a recording that is on is ended.

        Args:
            path: the file; one that exists is not written over.
            selection: what the file says that it is about, if that is not what was started last.

        Raises:
            OSError: the file exists, or cannot be made. A disk that fails later ends the recording and not
                the run: `Recorder.failure` and the log tell it.
        """
        chosen = selection or self.selection
        recorder = Recorder(
            path,
            scenario=chosen.scenario.id if chosen is not None else "",
            variant=chosen.variant.id if chosen is not None else "",
            knobs=chosen.knobs if chosen is not None else {},
            traffic=chosen.traffic if chosen is not None else {},
            failed=lambda reason: self._call(self._conductor.complain, reason),
        )
        self.stop_recording()
        self._tape.begin(recorder)
        self._recorder = recorder
        return recorder

    def stop_recording(self) -> None:
        """End the recording that is on, if one is, without waiting for the disk; `close` waits for it."""
        if self._recorder is not None:
            self._tape.end()
            self._recorder.end()

    @property
    def recording(self) -> Recorder | None:
        """The recording that is on; None if there is none, or if it has failed."""
        return self._recorder if self._recorder is not None and self._recorder.on else None

    def start(self, selection: Selection, ticket: Ticket | None = None) -> None:
        """Run a selection: stop what runs, start the server and, when it is ready, the traffic.

        A start that is still in progress is given up. The same selection with other knobs of a service
        goes on with the server that is there.

        Args:
            selection: what to run.
            ticket: for traffic that begins together with that of other labs.
        """
        turned = turns.between(self.selection, selection)
        live = selection.turns_services_only(self.selection)
        self.selection = selection
        self._call(
            self._conductor.turn_services if live else self._conductor.start, selection, turned, ticket
        )

    def stop(self) -> None:
        """End server and traffic, so that nothing of this lab uses the machine. The model stays as it is."""
        self.selection = None
        self._call(self._conductor.stop)

    def fire(self, shot: Shot) -> None:
        """Run the traffic alone, at a server that is there already; what runs is stopped."""
        self.selection = None
        self._call(self._conductor.fire, shot)

    def stop_traffic(self) -> None:
        """Send nothing more; what is open counts as unfinished."""
        self._call(self._conductor.stop_traffic)

    def start_traffic(self, ticket: Ticket | None = None, selection: Selection | None = None) -> None:
        """Run the selection again on the server that is there; a server that has failed is started again.

        Args:
            ticket: for traffic that begins together with that of other labs.
            selection: the same one with other traffic.
        """
        self.selection = selection or self.selection
        if self.selection is not None:
            self._call(self._conductor.start_traffic, self.selection, ticket)

    def burst(self, requests: int | None = None, concurrency: int | None = None) -> None:
        """Fire a burst: as many requests and at once as the plan says, unless told otherwise."""
        if self.selection is None:
            return
        plan, users = self.selection.plan, self.selection.users
        at_once = concurrency if concurrency is not None else users
        total = requests if requests is not None else max(plan.requests, at_once)
        self._call(self._conductor.burst, self.selection, total, at_once)

    def set_users(self, users: int) -> None:
        """Go to this number of users, now and in the runs that follow of this selection.

        A burst learns of it when it is fired; a ramp is left for it, and begins anew with the next run.
        """
        selection = self.selection
        if selection is not None:
            users = max(users, 1)
            before = self._told.users if self._told is not None else selection.users
            self.selection = selection.with_users(users)
            if selection.plan.executor != "burst":
                self._call(self._conductor.turn, turns.users(before, users))

    def set_rate(self, rate: float) -> None:
        """Go to so many arrivals a second, as `set_users` does; for an open model."""
        selection = self.selection
        if selection is not None:
            before = self._told.rate if self._told is not None else selection.plan.rate
            self.selection = selection.with_rate(rate)
            self._call(self._conductor.turn, turns.rate(before, rate))

    def set_think(self, seconds: float) -> None:
        """Let users wait so long between an answer and the next request."""
        selection = self.selection
        if selection is not None:
            self.selection = selection.with_think(seconds)
            before = getattr(selection.plan, selection.pause)
            self._call(self._conductor.turn, turns.think(before, seconds))

    def set_mix(self, weights: list[float]) -> None:
        """Change how often each kind of request comes: a weight for each, in the order of the plan.

        Raises:
            ValueError: there are not as many weights as kinds, or all of them are 0.
        """
        selection = self.selection
        if selection is not None:
            self.selection = selection.with_weights(weights)
            mix = selection.plan.mix
            before, names = [kind.weight for kind in mix], [kind.name for kind in mix]
            self._call(self._conductor.turn, turns.mix(names, before, weights))

    @property
    def _told(self) -> TrafficState | None:
        """What the traffic last said, while it runs."""
        return self.model.traffic if self.model.traffic is not None and not self.model.finished else None

    def start_monitor(self, worker: int, *, console: bool = False, terminal: bool = False) -> None:
        """Start aiomonitor in a worker, or change how it runs; `worker.monitor` of the model answers.

        Args:
            worker: number of the worker.
            console: with a Python console, for everybody on this machine.
            terminal: with its terminal, a port on 127.0.0.1 without a password.
        """
        self._call(self._conductor.tell_worker, worker, StartMonitor(console, terminal))

    def stop_monitor(self, worker: int) -> None:
        """Stop aiomonitor in a worker, and close its ports."""
        self._call(self._conductor.tell_worker, worker, StopMonitor())

    def cancel_task(self, worker: int, number: int, name: str) -> None:
        """Cancel the task with this id and this name, as soon as its loop is free."""
        self._call(self._conductor.tell_worker, worker, CancelTask(number, name))

    def describe_task(self, worker: int, number: int, name: str) -> None:
        """Ask for the stacks of a task; `worker.task_stacks` of the model answers."""
        self._call(self._conductor.tell_worker, worker, DescribeTask(number, name))

    def tell_notes(self, notes: Notes) -> None:
        """Tell the speaker's second terminals what the screen shows. Nobody who reads holds the lab up."""
        self._call(self._conductor.tell_notes, notes)

    def drain(self, budget_ns: int) -> bool:
        """Apply what has arrived to the model, for so long; what is left waits for the next call.

        Returns:
            True if anything was applied.
        """
        until = now_ns() + budget_ns
        applied = False
        while (batch := self._inbox.pop()) is not None:
            if isinstance(batch.events[0], RunStarted):
                self.model = Model()
            self.model.apply(batch)
            applied = True
            if now_ns() >= until:
                break
        if applied and self.heard is not None:
            self.heard(self.model)
        return applied

    def facts(self) -> Future[dict[str, float]]:
        """Ask the database by how much the facts of the scenario have changed since its server was started.

        The answer comes later: a number by name, or `ServiceFailed` if the database does not answer.
        """
        if self._loop is None:
            raise RuntimeError("the lab is not open")
        return asyncio.run_coroutine_threadsafe(self._conductor.facts.change(), self._loop)

    @property
    def backlog(self) -> int:
        """Batches that have arrived and are not applied yet."""
        return len(self._inbox)

    @property
    def dropped(self) -> int:
        """Events that the lab dropped, because nobody drained it for too long."""
        return self._inbox.dropped

    def wait(self, timeout_s: float) -> bool:
        """Wait until something has arrived; False if nothing came in time."""
        return self._inbox.wait(timeout_s)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        """Call a function in the lab's thread, in the order of the calls."""
        if self._loop is None:
            raise RuntimeError("the lab is not open")
        # A lab that is closed, or whose thread has ended, takes no more commands.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    def _run(self, running: threading.Event) -> None:
        async def conduct() -> None:
            self._loop = asyncio.get_running_loop()
            running.set()
            await self._conductor.run()

        try:
            asyncio.run(conduct())
        except Exception as error:
            self._conductor.fail(error)
        finally:
            running.set()
