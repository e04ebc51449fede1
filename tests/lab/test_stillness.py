"""What the lab makes of the words of a probe, and of the kernel's counters."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.lab.stillness import Cause, Look, cause, look
from looplab.lab.words import Introduction, WordReader
from looplab.probe.runqueue import Reading
from looplab.wire.clock import MS, now_ns

WORDS = b"looplab 3 1 4711 1234 4712 4713 99 88 /home/my shop\n"


def parts(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 10_000])
def test_the_words_of_a_probe(size: int) -> None:
    words = WordReader()
    for part in parts(WORDS + b"gc 2 99\n", size):
        words.feed(part)
    assert words.introduction == Introduction(3, 1, 4711, 1234, 4712, 4713, 99, 88, "/home/my shop")
    assert words.collecting == (2, 99)
    words.feed(b"gc -1 120\n")
    assert words.collecting is None


def test_who_does_not_introduce_himself_is_nobody() -> None:
    words = WordReader()
    words.feed(b"looplab 3 one 4711 1 2 3 4 5 /\n" + WORDS)
    assert words.introduction is None


@given(st.lists(st.one_of(st.binary(), st.sampled_from([WORDS, b"gc 2 1\n", b"gc -1", b"looplab "]))))
def test_whatever_arrives_is_read_without_an_error(data: list[bytes]) -> None:
    words = WordReader()
    for part in data:
        words.feed(part)


def counted(state: str, loop: tuple[int, int, int], watchdog: tuple[int, int, int]) -> Look:
    """Counters after 100 ms: time without a CPU and on one in ms, and slices."""
    (waited, ran, slices), (waited_, ran_, slices_) = loop, watchdog
    return Look(
        100 * MS,
        state,
        Reading(100 * MS, waited * MS, ran * MS, slices),
        Reading(100 * MS, waited_ * MS, ran_ * MS, slices_),
    )


@pytest.mark.parametrize(
    ("state", "loop", "watchdog", "expected"),
    [
        pytest.param("R", (0, 100, 3), (0, 0, 20), "gil", id="C code computes"),
        pytest.param("R", (30, 70, 40), (0, 0, 20), "gil", id="and is often interrupted"),
        pytest.param("S", (0, 0, 1), (0, 0, 20), "gil", id="C code sleeps"),
        pytest.param("S", (0, 0, 20), (0, 0, 20), "other", id="the loop waits too"),
        pytest.param("R", (90, 10, 3), (0, 0, 20), "starved", id="who has the GIL has no CPU"),
        pytest.param("R", (0, 100, 3), (90, 0, 5), "starved", id="the watchdog has no CPU"),
        pytest.param("S", (0, 0, 0), (0, 0, 2), "starved", id="nobody is let run"),
        pytest.param("T", (0, 0, 0), (0, 0, 1), "stopped", id="stopped"),
        pytest.param("", (0, 0, 0), (0, 0, 0), "unknown", id="no counters"),
    ],
)
def test_the_cause_of_a_silence(
    state: str, loop: tuple[int, int, int], watchdog: tuple[int, int, int], expected: Cause
) -> None:
    nothing = Reading(0, 0, 0, 0)
    assert cause(Look(0, "S", nothing, nothing), counted(state, loop, watchdog)) == expected


@pytest.mark.parametrize(("state", "expected"), [("T", "stopped"), ("t", "stopped"), ("S", "other")])
def test_a_stop_that_one_look_has_seen_explains_the_time_up_to_the_next(state: str, expected: Cause) -> None:
    # Counted around the signal that lets it go on: all of its threads wake at once and want the GIL.
    nothing = Reading(0, 0, 0, 0)
    assert cause(Look(0, state, nothing, nothing), counted("S", (0, 0, 20), (0, 0, 20))) == expected


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux tells by /proc")
def test_a_process_that_has_gone_is_seen_to_have() -> None:
    here = look(os.getpid(), threading.get_native_id(), threading.get_native_id(), now_ns())
    assert here.state == "R"
    assert here.loop.slices > 0
    pid = 2**22 + 1
    assert look(pid, pid, pid, 1).state == "X"
