"""A guarded command from the lab's side."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from looplab.servers.guarded import Guarded, StartError
from looplab.servers.output import LOG_LINES

Reached = Callable[[Callable[[], bool]], Awaitable[None]]


async def spawn(guarded: Guarded, script: str, folder: Path, with_input: bool = False) -> None:
    await guarded.spawn(["/bin/sh", "-c", script], os.environ, folder, with_input=with_input)


async def test_output_of_both_kinds_is_read_to_its_end(tmp_path: Path) -> None:
    lines: list[str] = []
    guarded = Guarded(lines.append)
    await spawn(guarded, "echo one; echo two >&2; printf three; exit 4", tmp_path)

    assert await guarded.wait() == 4
    assert lines == ["one", "two", "three"]
    assert list(guarded.output.log) == lines


async def test_input_reaches_the_child_and_ends_with_it(tmp_path: Path) -> None:
    lines: list[str] = []
    guarded = Guarded(lines.append)
    await spawn(guarded, "read word; echo got $word", tmp_path, with_input=True)

    guarded.write(b"this\n")

    assert await guarded.wait() == 0
    assert lines == ["got this"]
    guarded.write(b"nobody reads this\n")


async def test_a_killed_guard_takes_its_child_along(tmp_path: Path, gone: Callable[[int], None]) -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    guarded = Guarded(lines.put_nowait)
    await spawn(guarded, "trap '' TERM; sleep 60 & echo $! $PPID; wait; sleep 60", tmp_path)
    grandchild, guard = (int(word) for word in (await lines.get()).split())

    os.kill(guard, signal.SIGKILL)

    assert await guarded.wait() == -signal.SIGKILL
    gone(guarded.pid)
    gone(grandchild)


async def test_stop_kills_what_does_not_hear_a_term(tmp_path: Path) -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    guarded = Guarded(lines.put_nowait)
    await spawn(guarded, "trap '' TERM; echo up; while :; do sleep 0.01; done", tmp_path)
    await lines.get()

    assert await guarded.stop(grace_s=0.05) == -signal.SIGKILL


async def test_a_child_that_prints_without_end_stalls_nothing(tmp_path: Path, reached: Reached) -> None:
    lines: list[str] = []
    guarded = Guarded(lines.append)
    await spawn(guarded, "yes abc", tmp_path)
    await reached(lambda: any("left out" in line for line in lines))

    await guarded.stop(0)

    assert len(guarded.output.log) == LOG_LINES
    assert set(guarded.output.log) <= {"abc", "a", "ab", ""}


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path, descriptors: Callable[[], int]) -> None:
    before = descriptors()
    with pytest.raises(StartError, match="No such file or directory"):
        await spawn(Guarded(print), "true", tmp_path / "nothing")
    assert descriptors() == before


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    guarded = Guarded(print)
    with pytest.raises(StartError, match="No such file or directory: /nothing"):
        await guarded.spawn(["/nothing"], os.environ, tmp_path)


async def test_nothing_stays_open(tmp_path: Path, descriptors: Callable[[], int]) -> None:
    before = descriptors()
    for _ in range(3):
        guarded = Guarded(lambda line: None)
        await spawn(guarded, "echo hello", tmp_path, with_input=True)
        await guarded.stop(0)
    # A transport closes its pipe in the next round of the loop.
    await asyncio.sleep(0)
    assert descriptors() == before
