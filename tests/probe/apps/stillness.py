"""Every way to stand still, each on a line of its own, with the truth in the answer."""

# ruff: noqa: ASYNC251

import asyncio
import ctypes
import gc
import json
import os
import re
import socket
import subprocess
import threading
import time
from typing import Any

from fastapi import FastAPI

app = FastAPI()
library = ctypes.PyDLL(None)
"""Calls through it keep the GIL."""
library.usleep.argtypes = (ctypes.c_uint,)
heap: list[Any] = []
values: list[Any] = []


def spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass  # the loop in Python


@app.get("/")
async def root() -> dict[str, bool]:
    return {"ok": True}


@app.get("/sleep")
async def sleep(seconds: float) -> dict[str, int]:
    began = time.monotonic_ns()
    time.sleep(seconds)  # sleeps
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/cpu")
async def cpu(seconds: float) -> dict[str, int]:
    began = time.monotonic_ns()
    spin(seconds)
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/cpu-time")
async def cpu_time(seconds: float) -> dict[str, int]:
    began, end = time.monotonic_ns(), time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/lock")
async def lock(seconds: float) -> dict[str, int]:
    mine = threading.Lock()
    mine.acquire()
    began = time.monotonic_ns()
    mine.acquire(timeout=seconds)  # waits for a lock
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/event")
async def event(seconds: float) -> dict[str, int]:
    began = time.monotonic_ns()
    threading.Event().wait(seconds)  # waits for an event
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/socket")
async def read_socket(seconds: float) -> dict[str, int]:
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(seconds)
        began = time.monotonic_ns()
        try:
            one.recv(1)  # waits for a socket
        except TimeoutError:
            return {"began_ns": began, "ended_ns": time.monotonic_ns()}
    raise AssertionError


@app.get("/process")
async def process(seconds: float) -> dict[str, int]:
    began = time.monotonic_ns()
    subprocess.run(["sleep", str(seconds)], check=True)  # noqa: ASYNC221  waits for a process
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/re")
async def expression(letters: int) -> dict[str, int]:
    text = "a" * letters + "b"
    began = time.monotonic_ns()
    re.match(r"(a+)+$", text)  # keeps the GIL by an expression
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/json")
async def serialise(items: int) -> dict[str, int]:
    if not values:
        values.extend({"number": number, "text": "x" * 20} for number in range(items))
    await asyncio.sleep(0)
    began = time.monotonic_ns()
    heap[:] = [json.dumps(values)]  # keeps the GIL by JSON
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/library")
async def in_library(seconds: float) -> dict[str, int]:
    began = time.monotonic_ns()
    library.usleep(int(seconds * 1e6))  # keeps the GIL and sleeps
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/cpu-then-library")
async def cpu_then_library(first: float, second: float) -> dict[str, int]:
    began = time.monotonic_ns()
    spin(first)
    library.usleep(int(second * 1e6))  # keeps the GIL after a while
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/other-thread")
def other_thread(seconds: float) -> dict[str, int]:
    began = time.monotonic_ns()
    library.usleep(int(seconds * 1e6))  # keeps the GIL in another thread
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/other-expression")
def other_expression(letters: int) -> dict[str, int]:
    text = "a" * letters + "b"
    began = time.monotonic_ns()
    re.match(r"(a+)+$", text)  # keeps the GIL in another thread by an expression
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/other-goes-on")
def other_goes_on(seconds: float) -> dict[str, int]:
    began = time.monotonic_ns()
    ended = (library.usleep(int(seconds * 1e6)), time.monotonic_ns(), time.sleep(0.2))[1]  # and goes on
    return {"began_ns": began, "ended_ns": ended}


@app.get("/fill")
async def fill(cycles: int) -> dict[str, int]:
    gc.disable()
    for _ in range(cycles):
        ring: list[Any] = []
        ring.append(ring)
        heap.append(ring)
    gc.enable()
    return {"cycles": len(heap)}


@app.get("/collect")
async def collect() -> dict[str, int]:
    await asyncio.sleep(0)
    began = time.monotonic_ns()
    gc.collect()  # collects garbage
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/process-id")
async def process_id() -> dict[str, int]:
    return {"pid": os.getpid()}
