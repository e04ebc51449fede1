"""The least that a server can be: hello world in bare ASGI, on uvicorn, in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BODY = b"Hello, world!"
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(BODY))],
}
READY_S = 15


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": BODY})


@contextlib.contextmanager
def serving(*options: str, target: str = "benchmarks.bare:app") -> Iterator[int]:
    """Serve an app on a free port of this machine, and give the port."""
    with server(*options, target=target) as (port, _):
        yield port


@contextlib.contextmanager
def server(
    *options: str, target: str, lifespan: str = "off", environment: dict[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Serve an app on a free port of this machine, and give the port and the number of the process."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        # uvicorn takes a descriptor for a Unix socket and does not switch Nagle's algorithm off, which costs
        # 44 ms an answer. The connections inherit the option from here.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", target, "--fd", str(listener.fileno())]
        command += ["--app-dir", str(Path(__file__).parent.parent)]
        command += ["--lifespan", lifespan, "--no-access-log", "--log-level", "error"]
        process = subprocess.Popen(
            [*command, *options], pass_fds=[listener.fileno()], env=os.environ | (environment or {})
        )
        try:
            _wait(port)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()
