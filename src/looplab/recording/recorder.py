"""Writes a recording while a run goes on, in a thread of its own: a slow disk delays nobody."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from looplab import __version__
from looplab.recording import places, shape
from looplab.recording.shape import End, Header
from looplab.wire.events import Batch, Event, RunStarted

MOST_EVENTS = 200_000
"""Events that wait for the disk at most; what comes beyond is dropped and counted."""

PERIOD_S = 0.25
"""A lab that is killed loses no more than so long of a recording."""

EVENTS_PER_FRAME = 4_096


class Recorder:
    """Records batches into a file. `put` may be called from any thread and never waits."""

    def __init__(
        self,
        path: Path,
        scenario: str,
        variant: str,
        knobs: Mapping[str, float],
        traffic: Mapping[str, float],
        failed: Callable[[str], None],
    ) -> None:
        """Begin a file; what was there before is not written over.

        Args:
            path: the file.
            scenario: id of the scenario.
            variant: id of the variant.
            knobs: values of its knobs.
            traffic: the numbers of its traffic by the names that set them.
            failed: called once, from the recorder's thread, with one line if the disk fails.

        Raises:
            OSError: the file exists, or cannot be made.
        """
        self.path = path
        self.began_ns = time.monotonic_ns()
        self.dropped = 0
        """Batches dropped because the disk was too slow."""
        self.failure = ""
        """Why the recording has ended early, in one line; empty if it has not."""
        self._failed = failed
        self._places = places.installed()
        self._waiting: deque[Batch] = deque()
        self._events = 0
        self._written = 0
        self._closing = False
        self._wake = threading.Condition()
        header = Header(
            looplab=__version__,
            python=platform.python_version(),
            platform=platform.platform(),
            cores=os.cpu_count() or 1,
            scenario=scenario,
            variant=variant,
            knobs=dict(knobs),
            traffic=dict(traffic),
            began_ns=self.began_ns,
            began_wall_ns=time.time_ns(),
        )
        self._file = path.open("xb", buffering=0)
        try:
            self._put(shape.write_header(header))
        except OSError:
            self._file.close()
            path.unlink(missing_ok=True)
            raise
        self._thread = threading.Thread(target=self._run, name="looplab recorder", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Record a batch, or drop and count it if too many wait."""
        with self._wake:
            if self._closing or self._events + len(batch.events) > MOST_EVENTS:
                self.dropped += 1
                return
            self._waiting.append(batch)
            self._events += len(batch.events)

    @property
    def on(self) -> bool:
        """Whether batches are still taken: nobody has ended it, and the disk has not failed."""
        return not self._closing

    def end(self) -> None:
        """Let what waits be written, and the end, without waiting for the disk."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()

    def close(self, timeout_s: float | None = None) -> None:
        """End, and wait until everything is written, or so long. Further calls do nothing."""
        self.end()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            closing = False
            while not closing:
                with self._wake:
                    closing = self._wake.wait_for(lambda: self._closing, PERIOD_S)
                self._write()
            self._put(shape.write_end(End(batches=self._written, dropped=self.dropped)))
        except OSError as error:
            with self._wake:
                self._closing = True
                self._waiting.clear()
            self.failure = f"the recording {self.path} ends here: {error.strerror or error}"
            self._failed(self.failure)
        finally:
            self._file.close()

    def _write(self) -> None:
        """Write what waits by now, in frames of a bounded size."""
        while True:
            batches: shape.Batches = []
            count = 0
            with self._wake:
                while self._waiting and count < EVENTS_PER_FRAME:
                    batch = self._waiting.popleft()
                    count += len(batch.events)
                    batches.append((batch.source, batch.received_ns, batch.events))
                self._events -= count
            if not batches:
                return
            batches = [(source, at_ns, self._without_places(events)) for source, at_ns, events in batches]
            self._put(shape.write_batches(batches))
            self._written += len(batches)

    def _put(self, data: bytes) -> None:
        # A raw file may take less than it was given.
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def _without_places(self, events: list[Event]) -> list[Event]:
        """Give the events without the folders of this machine."""
        # A process may send a batch of nothing.
        if events and isinstance(first := events[0], RunStarted) and first.source:
            self._places = {**places.installed(), str(Path(first.source).parent): places.SCENARIO}
        return list(places.renamed(events, self._places))
