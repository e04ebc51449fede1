"""aiomonitor without what a lab does not need of it; imported only when somebody asks for it.

`aiomonitor.Monitor` always opens a web page, which answers to any host name, and its terminal for as
long as it runs. It makes every task one of its own kind, which after its end raises when such a task is
cancelled, and it puts back the task factory of its start, whatever has come since. Here its thread
opens nothing by itself, the terminal only for as long as it is asked for, and the tasks are watched by
`Births`. Its commands, its console and its way to cancel are its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import time
from collections.abc import Iterable, Sequence
from traceback import FrameSummary
from typing import Any
from weakref import ref

from aiomonitor.monitor import Monitor
from aiomonitor.termui.commands import interact
from aiomonitor.types import FormattedLiveTaskInfo, TerminatedTaskInfo
from prompt_toolkit.contrib.telnet.server import TelnetConnection, TelnetServer

from looplab.probe.births import Births, Call, End, Task, line_of
from looplab.wire.clock import S, now_ns

HOST = "127.0.0.1"

DEADLINE_S = 2.0
"""Its thread has nothing to wait for; a terminal whose console waits for a blocked loop is left behind."""


NEGOTIATION_S = 0.4
"""aiomonitor waits 0.3 s before its first prompt."""


class WorkerMonitor(Monitor):  # type: ignore[misc]
    """aiomonitor for the loop of a worker, started and stopped from any thread but the loop's."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, thread_id: int, births: Births, *, console: bool
    ) -> None:
        """Prepare it.

        Args:
            loop: whose tasks its commands show.
            thread_id: the loop's thread.
            births: what is known of the tasks.
            console: whether its terminal may open a Python console, on `console_port`.
        """
        self.console_port = _free_port() if console else 0
        super().__init__(
            loop,
            host=HOST,
            termui_port=0,
            webui_port=0,
            console_port=self.console_port,
            console_enabled=console,
        )
        self._births = births
        self._created_tracebacks = _Tracebacks(births)
        self._created_traceback_chains = _Parents(births)
        self._event_loop_thread_id = thread_id
        self._ui_thread.name = "looplab aiomonitor"
        self._listener: socket.socket | None = None
        self._port = 0
        self._telnet: _Telnet | None = None
        self._ended = 0
        self._ending = False

    @property
    def terminal_port(self) -> int:
        """Port of its terminal, 0 while that is closed."""
        return self._port

    def start(self) -> None:
        """Start its thread, which opens no port."""
        self._started = True
        self._ui_thread.start()
        self._ui_started.wait(DEADLINE_S)

    def close(self) -> None:
        """Close its terminal and end its thread."""
        if self._ending or not self._started:
            return
        self._ending = self._closed = True
        self.close_terminal()
        self._ui_loop.call_soon_threadsafe(self._ui_forever_future.cancel)
        self._ui_thread.join(DEADLINE_S)

    def open_terminal(self) -> None:
        """Listen on a free port of this machine, for its own client."""
        if self._listener is None:
            self._listener = socket.create_server((HOST, 0))
            self._port = self._termui_port = self._listener.getsockname()[1]
            self._in_thread(self._listen(self._listener))

    def close_terminal(self) -> None:
        """Close the port, and every connection to it."""
        if self._listener is not None:
            self._in_thread(self._hang_up())
            self._listener.close()
            self._listener = None
            self._port = self._termui_port = 0

    def forget(self) -> None:
        """Close the port's descriptor in a forked child: else the port would outlive the parent's."""
        if self._listener is not None:
            self._listener.close()

    def cancel(self, task: Task) -> None:
        """Cancel a task as soon as the loop is free, by aiomonitor's own command; waits for nothing."""
        asyncio.run_coroutine_threadsafe(self.cancel_monitored_task(id(task)), self._ui_loop)

    def note(self, ends: Iterable[End]) -> None:
        """Take the tasks that are done into the list of its terminal."""
        ahead_s = time.perf_counter() - now_ns() / S
        for end in ends:
            self._ended += 1
            failed = end.outcome not in ("returned", "cancelled")
            info = TerminatedTaskInfo(
                str(self._ended),
                name=end.name,
                coro=end.birth.coroutine,
                started_at=end.birth.since_ns / S + ahead_s,
                terminated_at=end.ended_ns / S + ahead_s,
                cancelled=end.outcome == "cancelled",
                termination_stack=_summaries(end.stack) or None,
                exc_repr=end.outcome if failed else None,
            )
            self._ui_loop.call_soon_threadsafe(self._take_end, info)

    def format_running_task_list(self, filter_: str, persistent: bool) -> Sequence[FormattedLiveTaskInfo]:
        """Give its list of tasks, with their age, which it knows of its own kind only."""
        infos: Sequence[FormattedLiveTaskInfo] = super().format_running_task_list(filter_, persistent)
        born = {
            str(id(task)): birth
            for task in asyncio.all_tasks(self._monitored_loop)
            if (birth := self._births.of(task)) is not None
        }
        for info in infos:
            if (birth := born.get(info.task_id)) is not None:
                info.coro = birth.coroutine
                info.since = f"{(now_ns() - birth.since_ns) / S:.3f}"
        return infos

    def _take_end(self, info: TerminatedTaskInfo) -> None:
        self._terminated_tasks[info.id] = info
        self._terminated_history.append(info.id)
        while len(self._terminated_history) > self._max_termination_history:
            self._terminated_tasks.pop(self._terminated_history.pop(0), None)

    def _in_thread(self, coroutine: Any) -> None:
        """Run a coroutine in its thread, and wait for it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._ui_loop)
        with contextlib.suppress(TimeoutError):
            future.result(DEADLINE_S)

    def _ui_main(self) -> None:
        # A loop of asyncio, whatever the application has made the default.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._ui_main_async())

    async def _ui_main_async(self) -> None:
        self._ui_loop = asyncio.get_running_loop()
        self._ui_forever_future = self._ui_loop.create_future()
        self._ui_started.set()
        with contextlib.suppress(asyncio.CancelledError):
            await self._ui_forever_future

    async def _listen(self, listener: socket.socket) -> None:
        self._telnet = _Telnet(listener, functools.partial(interact, self))

    async def _hang_up(self) -> None:
        if self._telnet is None:
            return
        telnet, self._telnet = self._telnet, None
        commands = {*self._termui_tasks}
        for command in commands:
            command.cancel()
        await telnet.hang_up()
        await asyncio.gather(*commands, return_exceptions=True)


class _Telnet(TelnetServer):
    """A telnet server on a socket that listens already, so that nobody can take its port before."""

    def __init__(self, listener: socket.socket, interact: Any) -> None:
        super().__init__(host=HOST, port=listener.getsockname()[1], interact=interact)
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    async def hang_up(self) -> None:
        """Close the port at once, then the connections."""
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        for connection in self.connections:
            if connection.vt100_output is None:
                # Whoever it is speaks no telnet: it waits for an answer that does not come.
                connection.interact = _leave
                connection._ready.set()
        tasks = list(self._application_tasks)
        if tasks:
            # One that is cancelled before its first prompt prints a traceback into the server's output.
            await asyncio.wait(tasks, timeout=NEGOTIATION_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _leave(connection: TelnetConnection) -> None:
    pass


class _Tracebacks:
    """Where each task was made, in the form that aiomonitor's commands read, made when they do."""

    def __init__(self, births: Births) -> None:
        self._births = births

    def get(self, task: Task) -> list[FrameSummary] | None:
        birth = self._births.of(task)
        return _summaries(birth.stack) if birth is not None else None


class _Parents:
    """Which task made which, as aiomonitor's commands ask."""

    def __init__(self, births: Births) -> None:
        self._births = births

    def get(self, task: Task) -> ref[Task] | None:
        birth = self._births.of(task)
        return birth.parent if birth is not None else None


def _summaries(calls: list[Call]) -> list[FrameSummary]:
    return [FrameSummary(call[0].co_filename, line_of(call), call[0].co_name) for call in reversed(calls)]


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probing:
        port: int = probing.getsockname()[1]
        return port
