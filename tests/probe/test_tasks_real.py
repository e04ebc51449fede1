"""The tasks of a real worker, and aiomonitor in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from probe_help import APPS, Lab, Server

from looplab.wire import control
from looplab.wire.events import Hello, Monitor, ServerRequest, TaskEnd, TaskRow, Tasks, TaskStacks

pytestmark = pytest.mark.real

LOOPS = ["asyncio", "uvloop"]
FILE = APPS / "waiting.py"


def line_with(text: str) -> int:
    return next(n for n, line in enumerate(FILE.read_text().splitlines(), 1) if text in line)


class Watched:
    """A server, and what the lab says to its worker."""

    def __init__(self, lab: Lab, server: Server, source: int, pid: int) -> None:
        self.lab = lab
        self.server = server
        self.pid = pid
        self._source = source
        self._open: set[asyncio.Task[object]] = set()

    def say(self, order: control.Control) -> None:
        assert self.lab.receiver.send(self._source, control.encode(order))

    async def answer(self, order: control.Control) -> Monitor:
        before = len(self.lab.all(Monitor))
        self.say(order)
        return (await self.lab.until(lambda: self.lab.all(Monitor)[before:]))[0]

    def send(self, path: str) -> asyncio.Task[object]:
        """Send a request that nobody waits for yet."""
        task: asyncio.Task[object] = asyncio.create_task(self.server.get(path))
        self._open.add(task)
        return task

    async def row(self, function: str) -> TaskRow:
        """Wait until a task is listed in this function."""
        return (await self.lab.until(lambda: [row for row in self._live() if row.function == function]))[0]

    def _live(self) -> list[TaskRow]:
        lists = self.lab.all(Tasks)
        return lists[-1].live if lists else []

    async def end(self, name: str) -> TaskEnd:
        """Wait until the end of a task is listed."""
        ends = lambda: [end for end in (self.lab.all(Tasks) or [NONE])[-1].ended if end.name == name]  # noqa: E731
        return (await self.lab.until(ends))[0]

    async def close(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


NONE = Tasks(0, 0, [], [])


@pytest.fixture(params=LOOPS)
async def watched(request: pytest.FixtureRequest, lab: Lab) -> AsyncIterator[Watched]:
    async with lab.serve("waiting:app", request.param) as server:
        hello = (await lab.until(lambda: lab.all(Hello)))[0]
        watched = Watched(lab, server, lab.events[0][0], hello.pid)
        yield watched
        await watched.close()


def listening(pid: int) -> int:
    """Count the TCP ports on which a process listens."""
    if sys.platform == "linux":
        own = set()
        for file in Path(f"/proc/{pid}/fd").iterdir():
            target = str(file.readlink())
            if target.startswith("socket:["):
                own.add(target[8:-1])
        tables = (Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6"))
        rows = [line.split() for table in tables for line in table.splitlines()]
        return sum(1 for row in rows if row[3] == "0A" and row[9] in own)
    found = subprocess.run(["lsof", "-nP", "-a", "-iTCP", "-sTCP:LISTEN", f"-p{pid}"], capture_output=True)
    return max(len(found.stdout.splitlines()) - 1, 0)


async def refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_a_suspended_request_is_listed_with_the_line_where_it_awaits(watched: Watched) -> None:
    monitor = await watched.answer(control.StartMonitor(console=False))
    assert (monitor.running, monitor.port, monitor.web_port, monitor.console_port) == (True, 0, 0, 0)
    watched.send("/wait")

    row = await watched.row("wait")
    assert (row.file, row.line, row.users) == (str(FILE), line_with("the line that awaits"), True)
    assert (row.state, row.awaits, row.rid) == ("waiting", "Event.wait", 1)
    assert row.coroutine == "RequestResponseCycle.run_asgi"
    assert row.since_ns > 0
    told = watched.lab.all(Tasks)[-1]
    assert told.live[0].users
    assert not told.live[-1].users
    assert told.total == len(told.live)


async def test_a_request_from_before_is_listed_without_an_age(watched: Watched) -> None:
    watched.send("/wait")
    await watched.lab.until(lambda: watched.lab.all(ServerRequest))
    await watched.answer(control.StartMonitor(console=False))

    row = await watched.row("wait")
    assert (row.rid, row.since_ns) == (1, 0)


async def test_the_stacks_of_a_task_lead_to_the_one_that_made_it(watched: Watched) -> None:
    await watched.answer(control.StartMonitor(console=False))
    watched.send("/parent")
    row = (await watched.lab.until(lambda: [r for r in watched._live() if r.name == "the child"]))[0]
    assert (row.coroutine, row.rid) == ("child", 1)

    watched.say(control.DescribeTask(row.id, row.name))
    stacks = (await watched.lab.until(lambda: watched.lab.all(TaskStacks)))[0]
    assert (stacks.id, stacks.name, stacks.found) == (row.id, row.name, True)
    headings = [heading for heading, _ in stacks.stacks]
    assert headings[:2] == ["where it awaits", "where the child was made"]
    assert headings[2].startswith("where Task-")
    awaits, made, _ = (frames for _, frames in stacks.stacks)
    assert (str(FILE), line_with("await wait()"), "child", "await wait()") in awaits
    assert made[-1][:3] == (str(FILE), line_with("create_task(child()"), "parent")


async def test_it_starts_and_lists_while_the_loop_is_blocked(watched: Watched, folder: Path) -> None:
    watched.send(f"/block?until={folder / 'go'}")
    stalled = await watched.lab.until(lambda: watched.lab.stalls())
    assert stalled

    assert (await watched.answer(control.StartMonitor(console=False))).running
    row = await watched.row("block")
    assert (row.state, row.users) == ("running", True)
    assert row.line in (line_with("while not Path"), line_with("the line that blocks"))
    lists = len(watched.lab.all(Tasks))
    await watched.lab.until(lambda: len(watched.lab.all(Tasks)) >= lists + 2)

    watched.say(control.DescribeTask(row.id, row.name))
    stacks = (await watched.lab.until(lambda: watched.lab.all(TaskStacks)))[0]
    assert stacks.stacks[0][0] == "where it runs"
    assert (await watched.answer(control.StopMonitor())).running is False
    (folder / "go").touch()


async def test_a_cancelled_request_answers_with_an_error(watched: Watched) -> None:
    await watched.answer(control.StartMonitor(console=False))
    response = watched.send("/wait")
    row = await watched.row("wait")

    watched.say(control.CancelTask(row.id, "another task that had this number"))
    lists = len(watched.lab.all(Tasks))
    await watched.lab.until(lambda: len(watched.lab.all(Tasks)) >= lists + 2)
    assert row.name in [live.name for live in watched._live()]
    watched.say(control.CancelTask(row.id, row.name))
    answer = await response
    assert answer.status_code == 500  # type: ignore[attr-defined]
    assert (await watched.end(row.name)).rid == 1


async def test_an_exception_that_nobody_reads_is_told_and_still_complained_about(watched: Watched) -> None:
    await watched.answer(control.StartMonitor(console=False))
    await watched.server.get("/fail")

    end = await watched.end("lost")
    assert end.outcome == "RuntimeError: nobody reads this"
    watched.say(control.DescribeTask(end.id, "lost"))
    stacks = (await watched.lab.until(lambda: watched.lab.all(TaskStacks)))[0]
    assert stacks.stacks[0][0] == "where it ended: RuntimeError: nobody reads this"
    assert stacks.stacks[0][1][-1][1] == line_with("raise RuntimeError")
    complaints = await watched.server.get("/complaints")
    assert complaints.json() == ["nobody reads this"]


async def test_the_terminal_is_open_only_while_it_is_asked_for(watched: Watched) -> None:
    await watched.server.get("/factory")
    ports = listening(watched.pid)
    assert (await watched.answer(control.StartMonitor(console=False))).port == 0
    assert listening(watched.pid) == ports

    terminal = await watched.answer(control.StartMonitor(console=False, terminal=True))
    assert listening(watched.pid) == ports + 1
    reader, writer = await asyncio.open_connection("127.0.0.1", terminal.port)
    assert await reader.read(1)

    assert (await watched.answer(control.StartMonitor(console=False))).port == 0
    assert await refused(terminal.port)
    await reader.read()
    writer.close()
    assert listening(watched.pid) == ports
    assert "Traceback" not in watched.server.output.read_text()


async def test_stopping_closes_the_port_and_puts_the_task_factory_back(watched: Watched) -> None:
    before = (await watched.server.get("/factory")).text
    terminal = await watched.answer(control.StartMonitor(console=False, terminal=True))
    assert (await watched.server.get("/factory")).text != before

    stopped = await watched.answer(control.StopMonitor())
    assert (stopped.running, stopped.reason) == (False, "")
    assert await refused(terminal.port)
    assert (await watched.server.get("/factory")).text == before


async def test_the_end_of_the_server_closes_the_port(watched: Watched) -> None:
    terminal = await watched.answer(control.StartMonitor(console=False, terminal=True))
    await watched.server.stop()
    assert await refused(terminal.port)
    assert watched.lab.all(Monitor)[-1].running is False


async def test_a_console_has_a_port_only_if_it_was_asked_for(watched: Watched) -> None:
    ports = listening(watched.pid)
    monitor = await watched.answer(control.StartMonitor(console=True))
    assert monitor.console_port > 0
    assert listening(watched.pid) == ports
    assert (await watched.answer(control.StartMonitor(console=False))).console_port == 0


async def test_without_aiomonitor_the_answer_says_how_to_mend_it(lab: Lab) -> None:
    async with lab.serve("waiting:app", WITHOUT_AIOMONITOR="yes") as server:
        hello = (await lab.until(lambda: lab.all(Hello)))[0]
        answer = await Watched(lab, server, lab.events[0][0], hello.pid).answer(control.StartMonitor(False))
    assert answer.running is False
    assert answer.reason == (
        "aiomonitor is not installed in the Python of the server. Mend: pip install 'looplab[tasks]'"
    )
