"""What the tests of the lab share: a scenario of their own, and a model that is read while it fills."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from looplab.lab import Lab
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
