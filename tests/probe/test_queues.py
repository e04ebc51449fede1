"""The lack of a CPU of threads that the loop waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from looplab.probe.queues import NOTE_EVERY_NS, OtherQueues
from looplab.probe.runqueue import Reading
from looplab.probe.stacks import NOWHERE
from looplab.probe.stalls import Hold
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
    others = OtherQueues(LOOP, tasks)
    others.note(S)
    assert others.lacked(S) == 0
    tell(tasks, 101, 60)
    tell(tasks, LOOP, 2000)
    assert others.lacked(S) == 10 * MS
    tell(tasks, 102, 80)
    assert others.lacked(S) == 80 * MS, "a thread that was born since"
    assert others.lacked(30 * MS) == 30 * MS


def test_a_note_is_renewed_when_it_is_old(tasks: Path) -> None:
    others = OtherQueues(LOOP, tasks)
    others.note(S)
    tell(tasks, 101, 60)
    others.note(S + NOTE_EVERY_NS - 1)
    assert others.lacked(S) == 10 * MS
    others.note(S + NOTE_EVERY_NS)
    assert others.lacked(S) == 0


def test_a_thread_that_ends_and_a_machine_that_tells_nothing_are_no_errors(tasks: Path) -> None:
    (tasks / "103").mkdir()
    (tasks / "104").mkdir()
    (tasks / "104" / "schedstat").write_text("")
    others = OtherQueues(LOOP, tasks)
    others.note(S)
    assert others.lacked(S) == 0
    nobody = OtherQueues(LOOP, tasks / "nowhere")
    nobody.note(S)
    assert nobody.lacked(S) == 0


@pytest.mark.parametrize(("word", "waits"), [("lock", True), ("sleep", False), ("io", False), ("", False)])
def test_only_who_waits_for_a_lock_waits_for_another_thread(word: str, waits: bool) -> None:
    hold = Hold(None, S, Reading(S, 0))
    hold.see(NOWHERE, [], Reading(S + 60 * MS, 0), word)
    assert hold.other_thread is waits
