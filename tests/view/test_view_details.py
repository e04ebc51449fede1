"""The page of details: who paid for the stalls."""

from __future__ import annotations

from msgspec.structs import replace
from stage import played, view_at
from streams import START_NS

from looplab.view.details import page
from looplab.view.palette import palette
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Slots


def lines(variant: str, until_ns: int, width: int = 76) -> list[str]:
    return page(view_at(played(variant), until_ns, 100), palette(), width).plain.splitlines()


def test_the_page_says_who_paid_for_the_line_that_held_the_loop() -> None:
    told = lines("async-blocking", START_NS + 2_050 * MS)
    place = next(number for number, line in enumerate(told) if line.startswith("Who paid"))
    assert told[place + 1] == "  app.py:25 wait_on_the_loop"
    said = " ".join(line.strip() for line in told[place + 2 : place + 4])
    # Ten runs of 0.2 s are over and the eleventh runs: it stood behind all ten, the second behind one.
    assert said.strip() == "held the loop 10 times, 2.00 s in sum; 55 waits behind it, 11.0 s in sum"
    assert all(len(line) <= 76 for line in told[place : place + 4])


def test_where_nobody_was_held_up_nobody_paid() -> None:
    assert not any("Who paid" in line for line in lines("async-await", START_NS + 2 * S))


def test_calls_without_a_limit_are_a_resource_that_limits_nothing() -> None:
    batches = [
        Batch(
            batch.source,
            batch.received_ns,
            [replace(event, total=0) if isinstance(event, Slots) else event for event in batch.events],
        )
        for batch in played("upstream-10")
    ]
    text = page(view_at(batches, START_NS + 600 * MS, 100), palette(), 76).plain.splitlines()
    (line,) = [line for line in text if line.startswith("  upstream ")]
    assert line.split() == ["upstream", "–", "100", "ms", "no", "limit"]
