"""An application that computes for a given CPU time of its thread, on the loop or in a thread."""

# ruff: noqa: ASYNC240

import threading
import time
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()


def compute(ms: int) -> None:
    until = time.thread_time_ns() + ms * 1_000_000
    while time.thread_time_ns() < until:
        pass


@app.get("/on-the-loop")
async def on_the_loop(ms: int) -> None:
    compute(ms)


@app.get("/in-a-thread")
def in_a_thread(ms: int) -> None:
    compute(ms)


@app.get("/lacked")
async def lacked() -> int:
    return int(Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text().split()[1])
