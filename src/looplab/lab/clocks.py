"""The clocks of other machines: asked for, and what their processes tell set right before anybody hears it.

A process whose clock is the lab's own passes through. Of another one everything waits until its clock has
been compared for the first time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from looplab.lab.offset import Offset, sample
from looplab.wire.clock import S, boot, now_ns
from looplab.wire.control import Control, Ping
from looplab.wire.events import Batch, Bye, ClockSet, Event, Hello, Pong
from looplab.wire.times import shift

FIRST = 40
"""Questions that are asked at once, one every 20 ms or so: some come when the process is about to read."""
FIRST_PERIOD_S = 0.02
PERIOD_S = 1.0
"""Time between two questions later."""

ENOUGH = 24
"""Answers after which it is heard: the best of fewer would soon be followed by a better one."""

PATIENCE_NS = S
"""It is heard after so long with any answer."""

MOST_WAITING = 2_000
"""Batches that wait for the first answer; beyond them the oldest are dropped."""

GROWN = 1.25
"""The error is told again when it has grown by this."""


class _Clock:
    """The clock of one process."""

    def __init__(self, since_ns: int) -> None:
        self.offset = Offset()
        self.since_ns = since_ns
        self.waiting: list[Batch] | None = []
        """What it has said before its clock was known; None once it is heard."""
        self.asked = 0
        self.told_ns = 0
        """The error that was told last."""
        self.timer: asyncio.TimerHandle | None = None


class Clocks:
    """Stands between the receiver and all that listens. All calls are made in the lab's loop."""

    def __init__(
        self,
        deliver: Callable[[Batch, bool], None],
        ask: Callable[[int, Control], None],
        log: Callable[[str], None],
    ) -> None:
        """Prepare.

        Args:
            deliver: takes each batch, by the lab's clock, and whether it comes from this machine.
            ask: sends an order to the process at the other end of a connection.
            log: takes a line about a clock.
        """
        self._deliver = deliver
        self._ask = ask
        self._log = log
        self._clocks: dict[int, _Clock] = {}

    def hear(self, batch: Batch) -> None:
        """Take a batch from the receiver."""
        source = batch.source
        first = batch.events[0] if batch.events else None
        if isinstance(first, Hello) and first.boot != boot() and first.boot:
            clock = self._clocks[source] = _Clock(batch.received_ns)
            self._question(source, clock)
        known = self._clocks.get(source)
        if known is None:
            self._deliver(batch, True)
            return
        self._hear(batch, known)
        if any(isinstance(event, Bye) for event in batch.events):
            self._forget(source)

    def close(self) -> None:
        """Ask no more."""
        for source in list(self._clocks):
            self._forget(source)

    def _hear(self, batch: Batch, clock: _Clock) -> None:
        rest: list[Event] = []
        moved = False
        for event in batch.events:
            if isinstance(event, Pong):
                new = sample(event.asked_ns, event.heard_ns, event.told_ns, batch.received_ns)
                moved = clock.offset.add(new) or moved
            else:
                rest.append(event)
        batch = Batch(batch.source, batch.received_ns, rest)
        if clock.waiting is not None:
            if rest:
                clock.waiting.append(batch)
            if len(clock.waiting) > MOST_WAITING:
                # Never the hello.
                del clock.waiting[1]
            late = batch.received_ns - clock.since_ns >= PATIENCE_NS
            if clock.offset.taken is not None and (late or len(clock.offset) >= ENOUGH):
                self._begin(clock)
            return
        if moved:
            self._tell(batch.source, clock, batch.received_ns)
        if rest:
            self._deliver(_set_right(batch, clock), False)

    def _begin(self, clock: _Clock) -> None:
        """Let a process be heard, from its hello on."""
        waiting, clock.waiting = clock.waiting or [], None
        for number, batch in enumerate(waiting):
            self._deliver(_set_right(batch, clock), False)
            if not number:
                self._tell(batch.source, clock, now_ns())

    def _tell(self, source: int, clock: _Clock, now: int) -> None:
        if (taken := clock.offset.taken) is not None:
            clock.told_ns = taken.error_ns(now)
            self._deliver(Batch(source, now, [ClockSet(now, taken.offset_ns, clock.told_ns)]), False)

    def _question(self, source: int, clock: _Clock) -> None:
        now = now_ns()
        clock.asked += 1
        self._ask(source, Ping(now))
        if clock.asked == FIRST and clock.offset.taken is None:
            self._log("a process of another machine does not tell its clock yet; it is shown when it does")
        taken = clock.offset.taken
        if clock.waiting is None and taken is not None and taken.error_ns(now) > clock.told_ns * GROWN:
            self._tell(source, clock, now)
        # At odd moments: a process reads what it is asked at regular ones.
        period = (FIRST_PERIOD_S if clock.asked < FIRST else PERIOD_S) * random.uniform(0.5, 1.5)
        clock.timer = asyncio.get_running_loop().call_later(period, self._question, source, clock)

    def _forget(self, source: int) -> None:
        clock = self._clocks.pop(source)
        if clock.timer is not None:
            clock.timer.cancel()


def _set_right(batch: Batch, clock: _Clock) -> Batch:
    """Move the times of a batch; the receiver's own goodbye has the lab's time already."""
    taken = clock.offset.taken
    offset_ns = taken.offset_ns if taken is not None else 0
    events = [
        event if isinstance(event, Bye) and not event.clean else shift(event, offset_ns)
        for event in batch.events
    ]
    return Batch(batch.source, batch.received_ns, events)
