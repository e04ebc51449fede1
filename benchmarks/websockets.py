"""Ten thousand open WebSockets that talk: memory of the traffic process, and whether each message came back.

All are opened within the first part, and all speak twice; then there is a pause, so that nothing is under
way when the time is up and every answer must have come.
"""

from __future__ import annotations

import resource
import subprocess
from typing import Any

from benchmarks import Row, at_most
from benchmarks.bare import server
from benchmarks.traffic import Loop, drive, percentile_ms
from looplab.traffic.limits import RESERVED_FILES
from looplab.traffic.plan import Plan

CONNECTIONS = 10_000
OPEN_RATE = 1_000.0
INTERVAL = 15.0
SECONDS = 2 * INTERVAL - 1.0
"""Each speaks when it is open, within 10 s, and 15 s later; the last echo is due 4 s before the end."""
MEMORY_BUDGET_MB = 400.0
LOOPS: tuple[Loop, ...] = ("asyncio", "uvloop")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send back what comes."""
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


class Memory:
    """The most resident memory that a process had whenever it was looked at."""

    def __init__(self) -> None:
        self.most_mb = 0.0

    def look(self, pid: int) -> None:
        """Ask `ps`, which Linux and macOS have; a process that is gone has none."""
        command = ["ps", "-o", "rss=", "-p", str(pid)]
        kilobytes = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        self.most_mb = max(self.most_mb, int(kilobytes or 0) * 1024 / 1e6)


def run() -> list[Row]:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = CONNECTIONS + RESERVED_FILES
    if files < need:
        note = f"{files} open files are too few: `ulimit -n {need + 1_000}`"
        return [Row("10,000 WebSockets", note, "", None)]
    plan = Plan(
        executor="websocket", users=CONNECTIONS, open_rate=OPEN_RATE, interval=INTERVAL, duration=SECONDS
    )
    rows = []
    for loop in LOOPS:
        options = ["--loop", loop, "--ws", "websockets-sansio", "--backlog", "4096"]
        with server(*options, target="benchmarks.websockets:app") as (port, _):
            memory = Memory()
            state = drive(plan, port, loop, watch=memory.look)
        # One that has ended well was open from its begin to the end of the plan, as all others were.
        missing = CONNECTIONS - state.ok + abs(2 * CONNECTIONS - state.messages_received)
        cpu = state.cpu_ns / (state.ended_ns - state.started_ns)
        note = f" (CPU {cpu:.0%} of a core)"
        rows.append(
            at_most(f"memory of 10,000 WebSockets, {loop}", memory.most_mb, MEMORY_BUDGET_MB, " MB", note)
        )
        note = (
            f" ({state.ok:,} open at once, {state.messages_received:,} echoes,"
            f" p50 {percentile_ms(state.service, 50):.1f} ms, p99 {percentile_ms(state.service, 99):.1f} ms)"
        )
        rows.append(at_most(f"10,000 WebSockets not answered, {loop}", missing, 0, note=note))
    return rows
