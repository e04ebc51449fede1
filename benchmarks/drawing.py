"""What drawing costs: the application in a real pseudo-terminal, with a stopwatch around its frames.

What is measured is the CPU time of the whole process from the first frame with traffic on: draining, model,
panels, Textual's compositor, and the thread that writes to the terminal. The other end of the terminal is
drained by the process that asks.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import Row, at_least, at_most
from benchmarks.terminal import run_in_terminal

SECONDS = 12
BUDGET_CPU = 30.0
BUDGET_FPS = 30.0


def drawn(module: str, name: str, width: int, height: int) -> list[Row]:
    """Run a module, which calls `measure`, in a pseudo-terminal, and read its figures."""
    with tempfile.TemporaryDirectory(prefix="looplab-bench-") as folder:
        result = Path(folder) / "figures.json"
        written = run_in_terminal([sys.executable, "-m", module, str(result)], width, height, SECONDS + 60)
        figures = json.loads(result.read_text())
    return [
        at_most(f"{name}: CPU", figures["cpu"], BUDGET_CPU, " %", f" ({figures['events']:,.0f} events/s)"),
        at_least(f"{name}: frames a second", figures["fps"], 0.97 * BUDGET_FPS),
        Row(f"{name}: longest frame", f"{figures['longest_ms']:.0f} ms", "—", None),
        Row(f"{name}: to the terminal", f"{written / SECONDS / 1000:.0f} kB/s", "—", None),
    ]


def measure(
    result: Path, goes: Callable[[], bool], events: Callable[[], int], *arguments: Any, **options: Any
) -> None:
    """Run the application for `SECONDS` and write its figures.

    Args:
        result: where they go.
        goes: whether there is traffic.
        events: how many events have been applied.
        arguments: those of the application.
        options: those of the application.
    """
    from looplab.view.app import LoopLabApp

    took: list[float] = []

    class Measured(LoopLabApp):
        """The application, with a stopwatch around its frames."""

        begun = 0.0
        cpu = 0.0
        events = 0

        def frame(self, now_ns: int, late_ns: int = 0) -> None:
            began = time.perf_counter()
            super().frame(now_ns, late_ns)
            if not goes():
                return
            if not self.begun:
                self.begun, self.cpu, self.events = time.monotonic(), time.process_time(), events()
            took.append(time.perf_counter() - began)
            length = time.monotonic() - self.begun
            if length >= SECONDS - 2:
                figures = {
                    "cpu": 100 * (time.process_time() - self.cpu) / length,
                    "fps": len(took) / length,
                    "longest_ms": 1000 * max(took),
                    "events": (events() - self.events) / length,
                }
                result.write_text(json.dumps(figures))
                self.exit()

    Measured(*arguments, **options).run()
