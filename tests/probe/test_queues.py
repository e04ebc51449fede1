"""The lack of a CPU of threads that the loop waits for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from looplab.probe.faults import Faults
from looplab.probe.judge import Judge
from looplab.probe.landmarks import cells
from looplab.probe.lane import Lane
from looplab.probe.queues import NOTE_EVERY_NS, OtherQueues
from looplab.probe.runqueue import Reading
from looplab.probe.samples import Sampler
from looplab.probe.stacks import NOWHERE
from looplab.probe.stalls import Hold
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, S

LOOP = 100


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    tell(tmp_path, LOOP, 900)
    tell(tmp_path, 101, 50)
    return tmp_path


def tell(tasks: Path, thread: int, waited_ms: int) -> None:
    (tasks / str(thread)).mkdir(exist_ok=True)
    (tasks / str(thread) / "schedstat").write_text(f"12345 {waited_ms * MS} 6\n")


def test_the_longest_lack_since_the_note_counts_and_the_loops_own_does_not(tasks: Path) -> None:
    others = OtherQueues(LOOP, str(tasks))
    others.note(S)
    assert others.lacked(S, S) == 0
    tell(tasks, 101, 60)
    tell(tasks, LOOP, 2000)
    assert others.lacked(S, S) == 10 * MS
    tell(tasks, 102, 80)
    assert others.lacked(S, S) == 80 * MS, "a thread that was born since"
    assert others.lacked(S, 30 * MS) == 30 * MS


def test_a_note_is_renewed_when_it_is_old(tasks: Path) -> None:
    others = OtherQueues(LOOP, str(tasks))
    others.note(S)
    tell(tasks, 101, 60)
    others.note(S + NOTE_EVERY_NS - 1)
    assert others.lacked(S, S) == 10 * MS
    others.note(S + NOTE_EVERY_NS)
    assert others.lacked(S, S) == 0


def test_what_may_have_been_lacked_before_the_hold_does_not_count(tasks: Path) -> None:
    others = OtherQueues(LOOP, str(tasks))
    others.note(S)
    tell(tasks, 101, 50 + 90)
    assert others.lacked(S + 80 * MS, S) == 10 * MS
    assert others.lacked(S + 90 * MS, S) == 0
    assert others.lacked(S + 100 * MS, S) == 0
    assert others.lacked(S - 10 * MS, S) == 90 * MS, "the hold had begun at the note"


@pytest.mark.parametrize(("age_ms", "fresh"), [(6, True), (300, False)])
async def test_a_hold_begins_with_a_note_unless_most_of_it_is_over(
    tasks: Path, monkeypatch: pytest.MonkeyPatch, age_ms: int, fresh: bool
) -> None:
    monkeypatch.setattr("looplab.probe.judge.OtherQueues", lambda loop: OtherQueues(loop, str(tasks)))
    lane = Lane(asyncio.get_running_loop(), Faults())
    judge = Judge(lane, "/nowhere", Sampler(lane), BoundedBuffer(10), cells(), lambda: None)
    judge._queue.read(0)
    judge._others.note(S - 2 * NOTE_EVERY_NS)
    tell(tasks, 101, 150)
    judge._begin(None, S, S + age_ms * MS)
    tell(tasks, 101, 400)
    assert judge._others.lacked(S, S) == (250 * MS if fresh else 350 * MS - 2 * NOTE_EVERY_NS)
    lane.queue.close()


def test_a_thread_that_ends_and_a_machine_that_tells_nothing_are_no_errors(tasks: Path) -> None:
    (tasks / "103").mkdir()
    (tasks / "104").mkdir()
    (tasks / "104" / "schedstat").write_text("")
    others = OtherQueues(LOOP, str(tasks))
    others.note(S)
    assert others.lacked(S, S) == 0
    nobody = OtherQueues(LOOP, str(tasks / "nowhere"))
    nobody.note(S)
    assert nobody.lacked(S, S) == 0


@pytest.mark.parametrize(("word", "waits"), [("lock", True), ("sleep", False), ("io", False), ("", False)])
def test_only_who_waits_for_a_lock_waits_for_another_thread(word: str, waits: bool) -> None:
    hold = Hold(None, S, Reading(S, 0))
    hold.see(NOWHERE, [], Reading(S + 60 * MS, 0), word)
    assert hold.other_thread is waits
