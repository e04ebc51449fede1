"""Where interpreters have their fields: the lab's own, and that of an app which has another one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import platform
from pathlib import Path

from looplab.lab import memory
from looplab.lab.memory import Layout
from looplab.servers.guarded import Guarded, StartError

ANSWER_S = 10.0
"""Time in which an interpreter must have looked at itself."""

_NAME = "python"
"""Beginning of the names of interpreters. What has Python within itself is asked nothing."""

_LOOK = """\
import importlib.util, json, sys
sys.path.insert(0, sys.argv[2])
spec = importlib.util.spec_from_file_location("memory", sys.argv[1])
memory = sys.modules["memory"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(memory)
print(json.dumps(memory.learn()))
"""
"""Not by its name: the package around it needs what another interpreter may not have."""


class Layouts:
    """Knows layouts by interpreter; one that is not known yet is asked beside all else."""

    def __init__(self) -> None:
        """Look at this interpreter."""
        self._own = memory.learn()
        self._others: dict[str, Layout | None] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def of(self, pid: int, python: str) -> Layout | None:
        """Give the layout of a process with this version of Python; None while nobody knows."""
        if python.split(".")[:2] == platform.python_version().split(".")[:2]:
            return self._own
        try:
            path = str(Path(f"/proc/{pid}/exe").readlink())
        except OSError:
            return None
        if path not in self._others:
            self._others[path] = None
            if Path(path).name.startswith(_NAME):
                task = asyncio.create_task(self._ask(path))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
        return self._others[path]

    async def close(self) -> None:
        """Ask no more."""
        for task in list(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(self, path: str) -> None:
        said: list[str] = []
        guarded = Guarded(said.append)
        file = Path(memory.__file__)
        command = [path, "-I", "-S", "-B", "-c", _LOOK, str(file), str(file.parents[2])]
        try:
            async with asyncio.timeout(ANSWER_S):
                await guarded.spawn(command, {}, Path("/"))
                await guarded.wait()
            found = json.loads(said[-1])
            self._others[path] = _read(found) if found is not None else None
        except (StartError, TimeoutError, ValueError, IndexError, TypeError):
            return
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await guarded.stop(0)


def _read(found: list[object]) -> Layout:
    frame, *rest = found
    return Layout(tuple(frame), *rest)  # type: ignore[arg-type]
