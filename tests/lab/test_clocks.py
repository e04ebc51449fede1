from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from looplab.lab.clocks import ENOUGH, MOST_WAITING, PATIENCE_NS, Clocks
from looplab.wire.clock import MS, S, boot, now_ns
from looplab.wire.control import Control, Ping
from looplab.wire.events import PROTOCOL, Batch, Bye, ClockSet, Event, Hello, Notice, Pong

BEHIND_NS = 4_000 * S
"""How far the other machine's clock is behind the lab's."""
HELLO = Hello(
    PROTOCOL, 0, "server", 0, 7, "3.12.1", "uvloop", [], now_ns() - BEHIND_NS, 1, "far", "another", "/srv"
)


class Far:
    """A process on another machine, and what the lab hears of it."""

    def __init__(self) -> None:
        self.heard: list[tuple[Event, bool]] = []
        self.asked: list[int] = []
        self.log: list[str] = []
        self.clocks = Clocks(self._deliver, self._ask, self.log.append)

    def _deliver(self, batch: Batch, here: bool) -> None:
        self.heard += [(event, here) for event in batch.events]

    def _ask(self, source: int, order: Control) -> None:
        assert isinstance(order, Ping)
        self.asked.append(order.t_ns)

    def say(self, *events: Event, at_ns: int = 0) -> None:
        self.clocks.hear(Batch(1, at_ns or now_ns(), list(events)))

    def answer(self, way_ns: int = MS) -> None:
        """Answer a question that was a millisecond under way, like its answer."""
        asked = now_ns()
        heard = asked + way_ns - BEHIND_NS
        self.say(Pong(asked, heard, heard), at_ns=asked + 2 * way_ns)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event, _ in self.heard if isinstance(event, kind)]


def run(test: Callable[[Far], None]) -> Far:
    """Run in a loop, which the questions need."""

    async def body() -> Far:
        far = Far()
        try:
            test(far)
        finally:
            far.clocks.close()
        return far

    return asyncio.run(body())


def test_a_process_of_this_machine_is_asked_for_nothing_and_passes_through() -> None:
    here = replace(HELLO, boot=boot(), monotonic_ns=5)

    far = run(lambda far: far.say(here, Notice(6, "probe", "info", "a")))

    assert far.heard == [(here, True), (Notice(6, "probe", "info", "a"), True)]
    assert far.asked == []


def test_another_machine_is_heard_once_its_clock_is_known_and_by_the_labs_clock() -> None:
    began = now_ns()

    def test(far: Far) -> None:
        far.say(HELLO, Notice(began - BEHIND_NS, "probe", "info", "early"))
        for _ in range(ENOUGH - 1):
            far.answer()
        assert far.asked
        assert far.heard == []
        far.answer()
        far.say(Notice(began - BEHIND_NS + S, "probe", "info", "late"))

    far = run(test)
    (clock,) = far.of(ClockSet)
    assert abs(clock.offset_ns - BEHIND_NS) <= clock.error_ns <= MS + 1
    assert [kind.__name__ for kind in map(type, (event for event, _ in far.heard))] == [
        "Hello",
        "Notice",
        "ClockSet",
        "Notice",
    ]
    assert not any(here for _, here in far.heard)
    early, late = far.of(Notice)
    assert abs(early.t_ns - began) <= clock.error_ns
    assert abs(late.t_ns - began - S) <= clock.error_ns


def test_a_slow_connection_is_heard_after_a_second_with_what_is_known() -> None:
    def test(far: Far) -> None:
        far.say(HELLO)
        far.answer()
        far.say(Notice(1, "probe", "info", "a"), at_ns=now_ns() + PATIENCE_NS)

    assert [type(event) for event, _ in run(test).heard] == [Hello, ClockSet, Notice]


def test_a_better_sample_moves_what_follows_and_is_told() -> None:
    def test(far: Far) -> None:
        far.say(HELLO)
        for _ in range(ENOUGH):
            far.answer(30 * MS)
        far.answer(MS)

    first, second = run(test).of(ClockSet)
    assert second.error_ns < first.error_ns / 10


def test_the_receivers_own_goodbye_keeps_the_labs_time() -> None:
    def test(far: Far) -> None:
        far.say(HELLO)
        for _ in range(ENOUGH):
            far.answer()
        far.say(Bye(123, clean=False))

    assert run(test).of(Bye) == [Bye(123, clean=False)]


def test_who_never_tells_a_clock_costs_no_memory() -> None:
    def test(far: Far) -> None:
        far.say(HELLO)
        for number in range(MOST_WAITING + 10):
            far.say(Notice(number + 1, "probe", "info", "a"))
        for _ in range(ENOUGH):
            far.answer()

    far = run(test)
    assert far.of(Hello)
    assert len(far.of(Notice)) == MOST_WAITING - 1
