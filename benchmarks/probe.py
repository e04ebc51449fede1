"""The server with the probe beside the same server without, in interleaved pairs.

Both run all the time, and wrk drives them in turns, each pair in the other order than the pair before.
A lab that reads everything runs beside, as in life.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks import Row, at_least
from benchmarks.bare import server
from benchmarks.generator import wrk
from looplab.wire.receiver import Receiver

CONNECTIONS = 32
SECONDS = 2
PAIRS = int(os.environ.get("PAIRS", "9"))
BUDGETS = {"async": 0.95, "sync": 0.90}
"""Requests a second with the probe ÷ without, by path of the application."""
LOOPS = ("asyncio", "uvloop")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@contextmanager
def _lab() -> Iterator[str]:
    """Run a receiver that throws away what it has decoded, and give the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="looplab-") as folder:
        path = Path(folder) / "lab"
        started = threading.Event()
        loop = asyncio.new_event_loop()
        ended = asyncio.Event()

        async def receive() -> None:
            receiver = Receiver(path, lambda batch: None, lambda reason: None)
            await receiver.start()
            started.set()
            await ended.wait()
            await receiver.close()

        thread = threading.Thread(target=loop.run_until_complete, args=[receive()])
        thread.start()
        started.wait()
        try:
            yield str(path)
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()
            loop.close()


def _cpu_s(pid: int) -> float:
    """Read how much CPU a process has used; 0 where the system has no such file."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def _measure(port: int, pid: int, path: str) -> tuple[float, float]:
    """Give requests a second, and microseconds of CPU a request."""
    before = _cpu_s(pid)
    requests_s = wrk(port, SECONDS, CONNECTIONS, path)
    return requests_s, (_cpu_s(pid) - before) * 1e6 / (requests_s * SECONDS)


def _pairs(loop: str) -> Iterator[tuple[str, float, float, float]]:
    """Give, of each pair, the path, both rates divided, both costs divided, and the cost without."""
    with ExitStack() as stack:
        lab = stack.enter_context(_lab())
        options = ("--loop", loop)
        observed = {"LOOPLAB_SOCKET": lab, "LOOPLAB_RUN": "1", "LOOPLAB_APP": "benchmarks.hello:app"}
        observed["LOOPLAB_ROOT"] = str(Path(__file__).parent)
        without = stack.enter_context(server(*options, target="benchmarks.hello:app"))
        within = stack.enter_context(server(*options, target="looplab.probe.asgi:app", environment=observed))
        for both in (without, within):
            for path in BUDGETS:
                _measure(*both, path)
        for number in range(PAIRS):
            for path in BUDGETS:
                order = (without, within) if number % 2 else (within, without)
                measured = {both: _measure(*both, path) for both in order}
                (bare, bare_us), (probed, probed_us) = measured[without], measured[within]
                yield path, probed / bare, probed_us / bare_us if bare_us else 0.0, bare_us


def run() -> list[Row]:
    rows = []
    for loop in LOOPS:
        if shutil.which("wrk") is None:
            rows.append(Row(f"probe, {loop}", "wrk is not installed", "", None))
            continue
        ratios: dict[str, list[float]] = {path: [] for path in BUDGETS}
        costs: dict[str, list[float]] = {path: [] for path in BUDGETS}
        bare: dict[str, list[float]] = {path: [] for path in BUDGETS}
        for path, ratio, cost, bare_us in _pairs(loop):
            ratios[path].append(ratio)
            costs[path].append(cost)
            bare[path].append(bare_us)
            print(f"  {loop} {path}: {ratio:.3f}, CPU {cost:.3f} of {bare_us:.0f} µs", file=sys.stderr)
        for path, budget in BUDGETS.items():
            kind = "async def" if path == "async" else "def"
            note = (
                f" ({min(ratios[path]):.2f} to {max(ratios[path]):.2f}; CPU a request ×"
                f" {median(costs[path]):.2f} of {median(bare[path]):.0f} µs)"
            )
            rows.append(
                at_least(f"with the probe ÷ without, {kind}, {loop}", median(ratios[path]), budget, note=note)
            )
    return rows
