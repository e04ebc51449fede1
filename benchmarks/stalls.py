"""Stalls: how soon the lab knows of one with its line, how true its length is, and whether it invents any."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import Row, at_most
from looplab.lab.sentinel import Sentinel
from looplab.traffic import job as jobs
from looplab.traffic.plan import Job, Plan, Target
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Batch, Event, Hello, LoopSample, Stall
from looplab.wire.framing import frame
from looplab.wire.receiver import Receiver

HEALTHY_S = float(os.environ.get("LOOPLAB_BENCH_HEALTHY_S", "60"))
ROUNDS = 12
LENGTHS_MS = (60, 70, 100, 200, 500, 1_000, 5_000)
KNOWN_BUDGET_MS = 150.0
LENGTH_BUDGET_MS = 5.0
LONG_NS = 60 * MS
SETTLE_S = 0.4

APP = """
import ctypes, json, time

library = ctypes.PyDLL(None)
library.usleep.argtypes = (ctypes.c_uint,)

def cpu(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass

def gil(seconds):
    library.usleep(int(seconds * 1e6))

WAYS = {"sleep": time.sleep, "cpu": cpu, "gil": gil}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    truth = {}
    way, _, seconds = scope["path"][1:].partition("/")
    if way in WAYS:
        truth["began"] = time.monotonic_ns()
        WAYS[way](float(seconds))
        truth["ended"] = time.monotonic_ns()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(truth).encode()})
"""


class _Lab:
    """Every event with the time at which the lab had it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[tuple[int, Event]] = []
        self.port = 0
        self._ready = asyncio.Event()
        self._sentinel = Sentinel(self._deliver, print)
        self._receiver = Receiver(folder / "lab.sock", self._hear, print)

    def _hear(self, batch: Batch) -> None:
        self._sentinel.hear(batch)
        self._deliver(batch)

    def _deliver(self, batch: Batch) -> None:
        now = now_ns()
        for event in batch.events:
            # A minute of full load is a million requests, and none of them is looked at.
            if isinstance(event, Stall | Hello | LoopSample):
                self.events.append((now, event))
            if isinstance(event, Hello):
                self._ready.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        (self.folder / "app.py").write_text(APP)
        await self._receiver.start()
        await self._sentinel.start(self.folder / "gil.sock")
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.port = listener.getsockname()[1]
            command = [
                sys.executable,
                "-m",
                "uvicorn",
                "looplab.probe.asgi:app",
                "--fd",
                str(listener.fileno()),
            ]
            command += ["--app-dir", str(self.folder), "--no-access-log", "--log-level", "error"]
            server = await asyncio.create_subprocess_exec(
                *command,
                pass_fds=[listener.fileno()],
                env=os.environ
                | {
                    "LOOPLAB_SOCKET": str(self.folder / "lab.sock"),
                    "LOOPLAB_STACKS": str(self.folder / "gil.sock"),
                    "LOOPLAB_RUN": "1",
                    "LOOPLAB_APP": "app:app",
                    "LOOPLAB_ROOT": str(self.folder),
                },
            )
        try:
            # The probe says hello at the first request of an application without a lifespan.
            await self.ask("/")
            await self._ready.wait()
            yield
        finally:
            server.send_signal(signal.SIGKILL)
            await server.wait()
            await self._receiver.close()
            await self._sentinel.close()

    async def ask(self, path: str) -> dict[str, int]:
        def get() -> Any:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                return json.loads(answer.read())

        found: dict[str, int] = await asyncio.to_thread(get)
        return found

    def about(self, truth: dict[str, int], first: int) -> list[tuple[int, Stall]]:
        """Reports about a time."""
        return [
            (at, event)
            for at, event in self.events[first:]
            if isinstance(event, Stall)
            and event.began_ns <= truth["ended"]
            and (event.ended_ns or event.t_ns) >= truth["began"]
        ]


async def _known(lab: _Lab, way: str) -> tuple[list[float], int]:
    """Give the times from the beginning of stalls until their line was known, and how many never were."""
    delays, missed = [], 0
    for _ in range(ROUNDS):
        first = len(lab.events)
        truth = await lab.ask(f"/{way}/0.5")
        await asyncio.sleep(SETTLE_S)
        known = [at for at, stall in lab.about(truth, first) if stall.line and at < truth["ended"]]
        if known:
            delays.append((known[0] - truth["began"]) / MS)
        else:
            missed += 1
    return delays, missed


async def _lengths(lab: _Lab) -> tuple[list[float], int]:
    """Give how far lengths are from the truth, in ms, and how many stalls were missed."""
    errors, missed = [], 0
    for way in ("sleep", "cpu", "gil"):
        for length in LENGTHS_MS:
            first = len(lab.events)
            truth = await lab.ask(f"/{way}/{length / 1_000}")
            await asyncio.sleep(SETTLE_S)
            ends = [stall for _, stall in lab.about(truth, first) if stall.number > 0 and stall.ended_ns]
            if ends:
                last = ends[-1]
                errors.append((last.ended_ns - last.began_ns - (truth["ended"] - truth["began"])) / MS)
            else:
                missed += 1
    return errors, missed


async def _healthy(lab: _Lab) -> tuple[list[Stall], int]:
    """Give the stalls that are told of a server at full load that has none, and the longest lag."""
    first = len(lab.events)
    plan = Plan(executor="constant", users=64, duration=HEALTHY_S)
    job = Job(run=1, socket=str(lab.folder / "lab.sock"), targets=[Target("127.0.0.1", lab.port)], plan=plan)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "looplab.traffic", stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(frame(jobs.encode(job)))
    await process.wait()
    await asyncio.sleep(SETTLE_S)
    events = [event for _, event in lab.events[first:]]
    lag = max((event.max_lag_ns for event in events if isinstance(event, LoopSample)), default=0)
    return [event for event in events if isinstance(event, Stall)], lag


async def _measure() -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="looplab-") as folder:
        lab = _Lab(Path(folder))
        async with lab.serving():
            await lab.ask("/sleep/0.1")
            for way in ("sleep", "cpu", "gil"):
                delays, missed = await _known(lab, way)
                note = (
                    f" (p50 {median(delays):.0f}; {missed} of {ROUNDS} not while it lasted)" if delays else ""
                )
                rows.append(
                    at_most(
                        f"stall begins → its line is known, {way}, max",
                        max(delays, default=0.0) if not missed else float("inf"),
                        KNOWN_BUDGET_MS,
                        " ms",
                        note,
                    )
                )
            errors, missed = await _lengths(lab)
            rows.append(
                at_most(
                    "error of a length, 60 ms to 5 s, max",
                    max((abs(error) for error in errors), default=float("inf")),
                    LENGTH_BUDGET_MS,
                    " ms",
                    f" (p50 {median(errors):.1f})" if errors else "",
                )
            )
            rows.append(at_most("stalls of 60 ms and more that were missed", missed, 0))
            invented, lag = await _healthy(lab)
            blamed = {stall.number for stall in invented if stall.kind != "starved"}
            starved = {stall.number for stall in invented} - blamed
            note = f" ({len(starved)} starved; largest lag {lag / MS:.0f} ms)"
            rows.append(
                at_most(f"stalls invented in {HEALTHY_S:g} s of full load", len(blamed), 0, note=note)
            )
    return rows


def run() -> list[Row]:
    return asyncio.run(_measure())
