"""Ways for a Flask worker to stand still, each on a line of its own, with the truth in the answer."""

import ctypes
import gc
import re
import time
from typing import Any

from flask import Flask, request

app = Flask(__name__)
library = ctypes.PyDLL(None)
"""Calls through it keep the GIL."""
library.usleep.argtypes = (ctypes.c_uint,)
heap: list[Any] = []


@app.get("/library")
def in_library() -> dict[str, int]:
    began = time.monotonic_ns()
    library.usleep(int(request.args["ms"]) * 1_000)  # keeps the GIL and sleeps
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/re")
def expression() -> dict[str, int]:
    text = "a" * int(request.args["letters"]) + "b"
    began = time.monotonic_ns()
    re.match(r"(a+)+$", text)  # keeps the GIL by an expression
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/collect")
def collect() -> dict[str, int]:
    gc.disable()
    for _ in range(int(request.args["cycles"])):
        ring: list[Any] = []
        ring.append(ring)
        heap.append(ring)
    heap.clear()
    gc.enable()
    began = time.monotonic_ns()
    gc.collect()
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/compute")
def compute() -> dict[str, int]:
    began, until = time.monotonic_ns(), time.thread_time_ns() + int(request.args["ms"]) * 1_000_000
    while time.thread_time_ns() < until:
        pass
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}
