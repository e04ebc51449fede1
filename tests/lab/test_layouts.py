"""Layouts of interpreters that are not the lab's own."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from looplab.lab import layouts as module
from looplab.lab.layouts import Layouts
from looplab.lab.memory import learn

pytestmark = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux has /proc/PID/mem")

OTHER = "2.7.18"
"""A version that is not the lab's, so that the interpreter is asked."""


@pytest.fixture
async def layouts() -> AsyncIterator[Layouts]:
    layouts = Layouts()
    yield layouts
    await layouts.close()


async def test_another_interpreter_is_asked_by_its_file_and_looks_at_itself(layouts: Layouts) -> None:
    assert layouts.of(os.getpid(), OTHER) is None
    async with asyncio.timeout(30):
        while layouts.of(os.getpid(), OTHER) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert layouts.of(os.getpid(), OTHER) == learn()


async def test_a_program_that_is_no_python_is_asked_nothing(
    layouts: Layouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(module, "Guarded")
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as cat:  # noqa: ASYNC220
        assert layouts.of(cat.pid, OTHER) is None
        assert not layouts._asking


async def test_an_interpreter_that_says_nothing_sensible_has_no_layout(
    layouts: Layouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK", "print('no')")
    assert layouts.of(os.getpid(), OTHER) is None
    await asyncio.gather(*layouts._asking)
    assert layouts.of(os.getpid(), OTHER) is None
