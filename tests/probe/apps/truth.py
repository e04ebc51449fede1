"""An application that measures itself and returns the truth in its answers. It blocks on purpose."""

# ruff: noqa: ASYNC251

import asyncio
import threading
import time

import anyio.to_thread
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()
gate = threading.Event()


@app.get("/")
async def root() -> dict[str, bool]:
    return {"ok": True}


@app.get("/stall")
async def stall(seconds: float) -> dict[str, int]:
    await asyncio.sleep(0)
    began = time.monotonic_ns()
    time.sleep(seconds)  # the line that blocks
    ended = time.monotonic_ns()
    await asyncio.sleep(0)
    return {"began_ns": began, "ended_ns": ended}


@app.get("/two-stalls")
async def two_stalls(first: float, second: float) -> dict[str, int]:
    began = time.monotonic_ns()
    time.sleep(first)  # the first of two
    middle = time.monotonic_ns()
    time.sleep(second)  # the second of two
    return {"began_ns": began, "middle_ns": middle, "ended_ns": time.monotonic_ns()}


@app.get("/steps")
async def steps() -> dict[str, int]:
    await asyncio.sleep(0.05)
    began = time.monotonic_ns()
    time.sleep(0.02)
    ended = time.monotonic_ns()
    await asyncio.sleep(0.01)
    return {"began_ns": began, "ended_ns": ended}


@app.get("/callback")
async def callback(seconds: float) -> dict[str, int]:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[dict[str, int]] = loop.create_future()

    def block() -> None:
        began = time.monotonic_ns()
        time.sleep(seconds)  # a callback that blocks
        done.set_result({"began_ns": began, "ended_ns": time.monotonic_ns()})

    loop.call_later(0.01, block)
    return await done


@app.get("/sync")
def sync(seconds: float) -> dict[str, int]:
    began = time.monotonic_ns()
    time.sleep(seconds)
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/held")
def held() -> dict[str, bool]:
    return {"opened": gate.wait(30)}


@app.get("/open")
async def open_gate() -> dict[str, bool]:
    gate.set()
    return {"ok": True}


@app.get("/hops")
async def hops() -> dict[str, int]:
    def work() -> None:
        time.sleep(0.06)

    await asyncio.gather(*(anyio.to_thread.run_sync(work) for _ in range(3)))
    return {"ok": 1}


@app.get("/own-limiter")
async def own_limiter() -> dict[str, int]:
    await anyio.to_thread.run_sync(time.sleep, 0.06, limiter=anyio.CapacityLimiter(1))
    return {"ok": 1}


@app.get("/boom")
async def boom() -> None:
    raise RuntimeError("the application's own error")


@app.get("/forever")
async def forever() -> StreamingResponse:
    async def chunks():
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    return StreamingResponse(chunks())
