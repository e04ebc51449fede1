from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

import looplab.lab.lab
from looplab.lab import Lab, Selection
from looplab.scenario import knob_values, load, plan_for
from looplab.wire.events import Batch, Event, TrafficState

DEADLINE_S = 15.0

T = TypeVar("T")

SCENARIO = """\
title = "Test"
question = "Does it run?"

[knobs.delay]
default = 0.0
min = 0.0
max = 60.0
step = 0.1

[[variants]]
id = "one"
title = "one worker"
app = "app:app"
loop = "asyncio"
shows = "app"

[[variants]]
id = "two"
title = "two workers"
app = "app:app"
workers = 2
loop = "asyncio"

[[variants]]
id = "blocking"
title = "blocks the loop"
app = "app:blocking"
loop = "asyncio"

[[variants]]
id = "sync"
title = "one sync worker"
app = "app:wsgi"
server = "gunicorn"

[[variants]]
id = "threads"
title = "two workers with two threads"
app = "app:wsgi"
server = "gunicorn"
workers = 2
threads = 2
worker_connections = 2

[traffic]
executor = "constant"
users = 2
think = "20ms"
"""

APP = """\
import os
import sys
import time

print("NOISE on stdout")
print("NOISE on stderr", file=sys.stderr)
time.sleep(float(os.environ["LAB_DELAY"]))

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

async def blocking(scope, receive, send):
    if scope["type"] == "http":
        print("blocked", flush=True)
        time.sleep(60)
    await app(scope, receive, send)

def wsgi(environ, start_response):
    time.sleep(0.3)
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "2")])
    return [b"ok"]
"""


class Recorder:
    """Stands in for the model: keeps what it is given."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def apply(self, batch: Batch) -> None:
        self.batches.append(batch)

    def all(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def told(self, kind: type[T]) -> list[tuple[int, T]]:
        """All events of a kind, each with the number of its connection."""
        return [
            (batch.source, event)
            for batch in self.batches
            for event in batch.events
            if isinstance(event, kind)
        ]

    def last(self, kind: type[T]) -> T | None:
        found = self.all(kind)
        return found[-1] if found else None

    @property
    def traffic(self) -> TrafficState | None:
        return self.last(TrafficState)

    @property
    def finished(self) -> bool:
        return self.traffic is not None and not self.traffic.running

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch.events]


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """A word in the environment of all that this test starts."""
    word = uuid.uuid4().hex
    monkeypatch.setenv("LOOPLAB_TEST_MARK", word)
    return word


@pytest.fixture
def marked(mark: str) -> Callable[[str], list[str]]:
    """List the processes with the mark, except this one, whose command holds a text."""

    def processes(text: str = "") -> list[str]:
        found = []
        if sys.platform.startswith("linux"):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    environ = (folder / "environ").read_bytes()
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if f"LOOPLAB_TEST_MARK={mark}".encode() in environ and int(folder.name) != os.getpid():
                    found.append(f"{folder.name} {command}")
        else:
            listing = subprocess.run(["ps", "-Eww", "-axo", "pid=,command="], capture_output=True, text=True)
            found = [
                line.strip()
                for line in listing.stdout.splitlines()
                if f"LOOPLAB_TEST_MARK={mark}" in line and int(line.split()[0]) != os.getpid()
            ]
        return [process for process in found if text in process]

    return processes


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of this test only, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="ll-", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario's folder."""
    folder = tmp_path / "scenario"
    folder.mkdir()
    (folder / "scenario.toml").write_text(SCENARIO)
    (folder / "app.py").write_text(APP)
    return folder


@pytest.fixture
def select(folder: Path) -> Callable[..., Selection]:
    """Select a variant of the test's scenario; the traffic is 2 users unless told otherwise."""

    def choose(variant: str = "one", traffic: str | None = None, **knobs: float) -> Selection:
        if traffic is not None:
            head = SCENARIO.partition("[traffic]")[0]
            (folder / "scenario.toml").write_text(f"{head}[traffic]\n{traffic}\n")
        scenario = load(folder)
        chosen = scenario.variant(variant)
        return Selection(scenario, chosen, knob_values(scenario, knobs), plan_for(scenario, chosen, {}))

    return choose


class Bench:
    """A lab with a recorder in place of its model."""

    def __init__(self) -> None:
        # A start that hangs is not ended by its deadline here, but by what a test does.
        self.lab = Lab(ready_deadline_s=10 * DEADLINE_S)

    @property
    def heard(self) -> Recorder:
        model: object = self.lab.model
        assert isinstance(model, Recorder)
        return model

    def until(self, state: Callable[[Recorder], object]) -> None:
        """Drain until the state is reached, with a deadline."""
        end = time.monotonic() + DEADLINE_S
        while not state(self.heard):
            left = end - time.monotonic()
            assert left > 0, f"not reached within {DEADLINE_S} s: {self.heard.events[-20:]}"
            self.lab.wait(left)
            self.lab.drain(1_000_000)


@pytest.fixture
def bench(
    monkeypatch: pytest.MonkeyPatch,
    temporary: Path,
    marked: Callable[..., list[str]],
    until: Callable[..., None],
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Bench]:
    """An open lab. Afterwards nothing of it may be left, and nothing may have reached the terminal."""
    monkeypatch.setattr(looplab.lab.lab, "Model", Recorder)
    bench = Bench()
    bench.lab.open()
    yield bench
    bench.lab.close()
    assert list(temporary.iterdir()) == []
    until(lambda: not marked())
    assert not [thread for thread in threading.enumerate() if thread.name == "looplab lab"]
    assert capfd.readouterr() == ("", "")
