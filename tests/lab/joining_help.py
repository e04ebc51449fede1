"""What the tests of servers that join share: a server under a guard, and a relay in place of ssh."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from looplab.servers.guarded import guard_command

DEADLINE_S = 20.0

APP = """\
import threading
import time

LINE

def threads():
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("looplab"))

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["path"] == "/block":
        time.sleep(0.2)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": ",".join(threads()).encode()})

def wsgi(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [",".join(threads()).encode()]
"""


class Server:
    """A server that was started by its own command."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def get(self, path: str = "/") -> str:
        """Ask for a page: it names the threads of the probe."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=DEADLINE_S) as answer:
            return str(answer.read().decode())

    @property
    def said(self) -> list[str]:
        """What it has written of looplab."""
        return [line for line in self._log.read_text().splitlines() if "looplab" in line]


@contextlib.contextmanager
def serving(folder: Path, *command: str, line: str = "", **environment: str) -> Iterator[Server]:
    """Run a server's command in a folder with the app; `{fd}` stands for its socket."""
    (folder / "app.py").write_text(APP.replace("LINE", line))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    fd = listener.fileno()
    log = folder / "output"
    lifeline, keeper = os.pipe()
    report, reporter = os.pipe()
    words = [word.format(fd=fd) for word in command]
    with listener, log.open("wb") as output:
        guard = subprocess.Popen(
            guard_command("run", str(lifeline), str(reporter), str(fd), sys.executable, "-m", *words),
            cwd=folder,
            env=_inherited() | environment,
            pass_fds=(lifeline, reporter, fd),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        os.close(lifeline)
        os.close(reporter)
        try:
            yield Server(listener.getsockname()[1], log)
        finally:
            os.close(keeper)
            guard.wait(DEADLINE_S)
            os.close(report)


def _inherited() -> Mapping[str, str]:
    strange = ("LOOPLAB_", "UVICORN_", "GUNICORN_")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)}


@contextlib.contextmanager
def relayed(path: Path, to: Path, there_s: float, back_s: float) -> Iterator[None]:
    """Forward a Unix socket as ssh does, with a delay on each way."""
    running, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    open_now: set[asyncio.Task[Any] | None] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
        # Each piece leaves on its own, in order: a delay, and no lower rate.
        while data := await reader.read(65_536):
            loop.call_later(delay_s, writer.write, data)
        await asyncio.sleep(delay_s)
        with contextlib.suppress(OSError, RuntimeError):
            # Who has nothing more to say lets the other side know, which then hangs up as well.
            writer.write_eof()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The loop itself keeps no task whose connection has ended.
        open_now.add(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_unix_connection(to)
        try:
            await asyncio.gather(pump(reader, far_writer, there_s), pump(far_reader, writer, back_s))
        finally:
            for end in (far_writer, writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def serve() -> None:
        server = await asyncio.start_unix_server(connect, path)
        running.set()
        await over.wait()
        server.close()
        for _ in range(3):
            # A connection that was accepted just before begins its task only in the next turn.
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(asyncio.sleep(0), *rest, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    running.wait(DEADLINE_S)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
