"""The inbox by itself, and how a lab drains it."""

from __future__ import annotations

import threading

import msgspec
import pytest

import looplab.lab.lab
from looplab.lab import Lab
from looplab.lab.inbox import EVENTS_PER_BATCH, Inbox
from looplab.wire.events import Batch, Bye, Event, Histogram, Notice, Run, RunStarted, TrafficState


def notice(number: int) -> Notice:
    return Notice(number, "lab", "info", str(number))


def batch(source: int, *events: Event) -> Batch:
    return Batch(source, 0, list(events))


def drain(inbox: Inbox) -> list[tuple[int, Event]]:
    found = []
    while (one := inbox.pop()) is not None:
        found += [(one.source, event) for event in one.events]
    return found


def test_batches_come_out_in_the_order_in_which_they_went_in() -> None:
    inbox = Inbox()
    inbox.put(batch(1, notice(1), notice(2)))
    inbox.put(batch(2, notice(3)))
    assert len(inbox) == 2
    assert drain(inbox) == [(1, notice(1)), (1, notice(2)), (2, notice(3))]
    assert inbox.pop() is None


def test_long_batches_are_cut() -> None:
    inbox = Inbox()
    events = [notice(number) for number in range(EVENTS_PER_BATCH * 2 + 1)]
    inbox.put(batch(1, *events))
    assert len(inbox) == 3
    assert drain(inbox) == [(1, event) for event in events]


def test_a_full_inbox_drops_the_oldest_and_counts_it() -> None:
    inbox = Inbox(most_events=3)
    for number in range(5):
        inbox.put(batch(1, notice(number)))
    assert drain(inbox) == [(1, notice(2)), (1, notice(3)), (1, notice(4))]
    assert inbox.dropped == 2
    inbox.put(batch(1, notice(5)))
    assert drain(inbox) == [(1, notice(5))]


def test_a_tap_is_told_of_all_that_goes_in_whole() -> None:
    told: list[Batch] = []
    inbox = Inbox(most_events=1, tap=told.append)
    events = [notice(number) for number in range(EVENTS_PER_BATCH + 1)]
    inbox.put(batch(1, *events))
    assert inbox.dropped > 0
    assert told == [batch(1, *events)]


def test_what_comes_only_once_is_kept_in_its_order() -> None:
    inbox = Inbox(most_events=1)
    inbox.put(batch(4, notice(1), Bye(2, clean=False), notice(3)))
    inbox.put(batch(5, Run(1, 2)))
    assert drain(inbox) == [(4, Bye(2, clean=False)), (5, Run(1, 2))]
    assert inbox.dropped == 2


def test_the_last_totals_of_the_traffic_are_kept() -> None:
    empty = Histogram({}, 0, 0)
    running = TrafficState(1, "burst", True, 1, 0, 1, 1, 1, 0, 0, {}, 0, 0, empty, empty, 0, 0)
    over = msgspec.structs.replace(running, running=False, ended_ns=2)
    inbox = Inbox(most_events=1)
    inbox.put(batch(4, running, over, notice(3)))
    inbox.put(batch(5, Run(1, 2)))
    assert drain(inbox) == [(4, over), (5, Run(1, 2))]


def test_clear_forgets_all_of_it() -> None:
    inbox = Inbox(most_events=2)
    inbox.put(batch(1, Bye(1, clean=True), notice(1), notice(2)))
    inbox.clear()
    assert len(inbox) == 0
    inbox.put(batch(1, notice(3), notice(4)))
    assert drain(inbox) == [(1, notice(3)), (1, notice(4))]


def test_wait_ends_when_another_thread_puts_something() -> None:
    inbox = Inbox()
    assert inbox.wait(0) is False
    putting = threading.Timer(0, inbox.put, [batch(1, notice(1))])
    putting.start()
    assert inbox.wait(10) is True
    putting.join()


class Model:
    def __init__(self) -> None:
        self.applied: list[int] = []

    def apply(self, batch: Batch) -> None:
        self.applied.append(batch.source)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(looplab.lab.lab, "Model", Model)
    return Lab()


def applied(lab: Lab) -> list[int]:
    model: object = lab.model
    assert isinstance(model, Model)
    return model.applied


def test_drain_carries_over_what_its_time_does_not_allow(lab: Lab) -> None:
    for source in (1, 2, 3):
        lab._inbox.put(batch(source, notice(source)))

    assert lab.drain(budget_ns=0) is True
    assert applied(lab) == [1]
    assert lab.backlog == 2

    assert lab.drain(budget_ns=10**12) is True
    assert applied(lab) == [1, 2, 3]
    assert lab.drain(budget_ns=10**12) is False


def test_a_run_that_begins_gets_a_model_of_its_own(lab: Lab) -> None:
    before = lab.model
    started = RunStarted(1, 1, "s", "v", "t", {}, "uvicorn", 1, 1, "", "")
    lab._inbox.put(batch(0, started))
    lab._inbox.put(batch(7, notice(1)))

    lab.drain(budget_ns=10**12)

    assert lab.model is not before
    assert applied(lab) == [0, 7]


def test_a_lab_that_is_not_open_says_so(lab: Lab) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        lab.stop_traffic()
    lab.close()
