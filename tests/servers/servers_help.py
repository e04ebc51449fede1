"""What the tests of the servers share: an application, and the servers that a test has started."""

from __future__ import annotations

import subprocess
from pathlib import Path

from looplab.servers.commands import ServerSpec
from looplab.servers.runtime import Runtime
from looplab.servers.server import ServerProcess
from looplab.wire.events import Batch, Hello
from looplab.wire.receiver import Receiver

HELLO_APP = """\
import os
import sys

print("said on stdout")
print("said on stderr", file=sys.stderr)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = f"{os.getpid()} {os.environ.get('LAB_DELAY', '')}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not reaped does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


class Servers:
    """Makes servers for apps given as text, and greets them as the lab does."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime = runtime
        self.folder = folder
        self.lines: list[str] = []
        self.made: list[ServerProcess] = []
        self.hellos: list[Hello] = []
        self.broken: list[tuple[str, list[str]]] = []
        self.receiver = Receiver(runtime.socket_path, self._deliver, self.lines.append)

    def _deliver(self, batch: Batch) -> None:
        if isinstance(batch.events[0], Hello):
            self.hellos.append(batch.events[0])
            for server in self.made:
                server.greet(batch.events[0])

    def make(self, source: str = HELLO_APP, **settings: object) -> ServerProcess:
        (self.folder / "app.py").write_text(source)
        spec = ServerSpec(
            **{
                "run": len(self.made) + 1,
                "app": "app:app",
                "root": self.folder,
                "loop": "asyncio",
                "socket_path": self.runtime.socket_path,
                **settings,
            }  # type: ignore[arg-type]
        )
        server = ServerProcess(spec, self.lines.append, lambda *told: self.broken.append(told))
        self.made.append(server)
        return server
