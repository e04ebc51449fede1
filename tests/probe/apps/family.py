"""An application whose requests have tasks of their own. It blocks on purpose."""

# ruff: noqa: ASYNC251

import asyncio
import time

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

app = FastAPI()
survivors: set[asyncio.Task[None]] = set()
gate = asyncio.Event()


@app.middleware("http")
async def through_a_task(request, call_next):
    """Run the endpoint in a task, as each middleware of this kind does."""
    return await call_next(request)


assert any(entry.cls is BaseHTTPMiddleware for entry in app.user_middleware)


async def block(seconds: float) -> None:
    await asyncio.sleep(0)
    time.sleep(seconds)  # a task that blocks


@app.get("/endpoint")
async def endpoint() -> dict[str, bool]:
    await block(0.07)
    return {"ok": True}


@app.get("/gather")
async def gather() -> dict[str, bool]:
    await asyncio.gather(asyncio.sleep(0.01), block(0.07))
    return {"ok": True}


@app.get("/group")
async def group() -> dict[str, bool]:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(block(0.07))
    return {"ok": True}


@app.get("/background")
async def background(tasks: BackgroundTasks) -> dict[str, bool]:
    tasks.add_task(block, 0.07)
    return {"ok": True}


@app.get("/survivor")
async def survivor() -> dict[str, str]:
    async def outlive() -> None:
        await gate.wait()
        await block(0.07)

    task = asyncio.create_task(outlive(), name="the survivor")
    survivors.add(task)
    return {"name": task.get_name()}


@app.get("/open")
async def open_gate() -> dict[str, bool]:
    gate.set()
    return {"ok": True}


@app.get("/sleep")
async def sleep() -> dict[str, int]:
    due = asyncio.get_running_loop().time() + 0.2
    await asyncio.sleep(0.2)
    awake = time.monotonic_ns()
    await asyncio.sleep(0.3)
    return {"due_ns": int(due * 1e9), "awake_ns": awake}


@app.get("/block")
async def block_long() -> dict[str, int]:
    began = time.monotonic_ns()
    time.sleep(0.6)
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def chunks():
        for _ in range(3):
            yield b"x"
            await asyncio.sleep(0.03)

    return StreamingResponse(chunks())
