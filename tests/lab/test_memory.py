"""Stacks read from the memory of a process, this one and others."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from looplab.lab.insight import other
from looplab.lab.memory import Layout, Memory, Thread, Unreadable, learn
from looplab.lab.words import Introduction
from looplab.probe.landmarks import thread_state
from looplab.probe.stacks import NOWHERE, UsersCode

pytestmark = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux has /proc/PID/mem")


@pytest.fixture
def memory() -> Iterator[Memory]:
    memory = Memory("self")
    yield memory
    memory.close()


@pytest.fixture
def layout() -> Layout:
    layout = learn()
    assert layout is not None
    return layout


def test_the_stacks_of_this_process_are_what_it_says_itself(memory: Memory, layout: Layout) -> None:
    waiting, gate = threading.Event(), threading.Event()

    def naïf_名前() -> None:  # noqa: N802
        waiting.set()
        gate.wait()

    thread = threading.Thread(target=naïf_名前)
    thread.start()
    waiting.wait()
    try:
        threads = {found.thread_id: found for found in memory.threads(layout, thread_state())}
    finally:
        gate.set()
        thread.join()
    here, there = threads[threading.get_ident()], threads[thread.ident or 0]
    assert here.native_id == threading.get_native_id()
    assert there.native_id == thread.native_id
    assert (__file__, "test_the_stacks_of_this_process_are_what_it_says_itself") in [
        (file, name) for file, _, name in here.frames
    ]
    (frame,) = (frame for frame in there.frames if frame[0] == __file__)
    assert frame[1:] == (naïf_名前.__code__.co_firstlineno + 2, "naïf_名前")


@pytest.mark.parametrize("text", ["a", "abc" * 100, "é", "naïveté", "名前", "😀x"])
def test_texts(memory: Memory, layout: Layout, text: str) -> None:
    assert memory.text(layout, id(text)) == text


@pytest.mark.parametrize("address", [0, -1, 8, 2**46, 2**63, 2**64])
def test_what_is_not_there_cannot_be_read(memory: Memory, layout: Layout, address: int) -> None:
    with pytest.raises(Unreadable):
        memory.word(address)
    assert memory.threads(layout, address) == []


@pytest.mark.parametrize("text", ["", "x" * 5_000])
def test_no_name_is_empty_or_endless(memory: Memory, layout: Layout, text: str) -> None:
    with pytest.raises(Unreadable):
        memory.text(layout, id(text))


RUNS = r"""
import sys
from looplab.probe.landmarks import thread_state

def deep(n):
    return [n] if n <= 0 else [*deep(n - 1), *(x for x in range(3))]

print(thread_state(), flush=True)
while True:
    names = {}
    exec("def made(n):\n return [n for _ in range(3)]", names)
    names["made"](1)
    deep(40)
"""


def test_a_process_that_runs_meanwhile_neither_suffers_nor_misleads(layout: Layout) -> None:
    process = subprocess.Popen([sys.executable, "-c", RUNS], stdout=subprocess.PIPE)
    assert process.stdout is not None
    memory = Memory(process.pid)
    try:
        state = int(process.stdout.readline())
        names: set[str] = set()
        reads, deadline = 0, time.monotonic() + 30
        # A machine that is busy elsewhere may keep the process in one place for many reads.
        while reads < 2_000 or (not {"<module>", "deep"} <= names and time.monotonic() < deadline):
            reads += 1
            names |= {
                name
                for thread in memory.threads(layout, state)
                for file, _, name in thread.frames
                if file == "<string>"
            }
        assert process.poll() is None
        assert {"<module>", "deep"} <= names
    finally:
        memory.close()
        process.kill()
        process.wait()
        process.stdout.close()
    with pytest.raises((OSError, Unreadable)):
        Memory(process.pid).word(state)


ABOUT = Introduction(1, 0, 1, 10, 11, 12, 0, 0, "/shop")
LIBRARY = ("/usr/lib/python3.11/threading.py", 3, "wait")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], 0, id="no thread"),
        pytest.param([7], 7, id="one thread"),
        pytest.param([7, 7], 7, id="two at one place"),
        pytest.param([7, 8], 0, id="two that may be to blame"),
    ],
)
def test_another_thread_is_blamed_only_if_it_is_one(lines: list[int], expected: int) -> None:
    threads = [
        Thread(10, 11, [("/shop/app.py", 1, "on_the_loop")]),
        Thread(20, 12, [LIBRARY]),
        *(Thread(30 + line, 30 + line, [LIBRARY, ("/shop/app.py", line, "work")]) for line in lines),
    ]
    place, stack = other(threads, ABOUT, UsersCode("/shop"))
    assert place.line == expected
    assert (place is NOWHERE) is not bool(stack)


def test_a_thread_that_waits_is_not_to_blame(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("time.sleep(1)\nwork()\n")
    threads = [Thread(line, line, [(str(file), line, "run")]) for line in (1, 2)]
    assert other(threads, ABOUT, UsersCode(str(tmp_path)))[0].line == 2
