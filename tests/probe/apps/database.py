"""An application with pools of connections that stamps itself: before and after each step, in nanoseconds."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool, ConnectionPool

DSN = os.environ["TEST_POSTGRES"]
now = time.monotonic_ns
gate = asyncio.Event()
thread_gate = threading.Event()
cancel_gate = asyncio.Event()
outside_gate = asyncio.Event()
outside: dict[str, int] = {}


async def borrow(pool: Any, seconds: float, patience: float | None = None) -> dict[str, int]:
    asked = now()
    async with pool.acquire(timeout=patience) as connection:
        taken = now()
        await connection.execute("SELECT pg_sleep($1)", seconds)
        done = now()
    return {"asked": asked, "taken": taken, "done": done, "back": now()}


async def work_outside_of_requests(pool: Any) -> None:
    await outside_gate.wait()
    outside.update(await borrow(pool, 0.05))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.early = asyncpg.create_pool(DSN, min_size=1, max_size=2)
    app.state.pool = await asyncpg.create_pool(DSN, min_size=1, max_size=5)
    task = asyncio.create_task(work_outside_of_requests(app.state.pool))
    of_loop = AsyncConnectionPool(DSN, min_size=1, max_size=2, open=False)
    of_threads = ConnectionPool(DSN, min_size=1, max_size=2, open=False)
    app.state.of_loop, app.state.of_threads = of_loop, of_threads
    async with of_loop:
        with of_threads:
            yield
    task.cancel()
    await asyncio.wait([task])
    app.state.pool.terminate()


app = FastAPI(lifespan=lifespan)


@app.get("/gated")
async def gated(seconds: float = 0.5) -> dict[str, int]:
    await gate.wait()
    return await borrow(app.state.pool, seconds)


@app.get("/hold")
async def hold() -> None:
    async with app.state.pool.acquire():
        await gate.wait()


@app.get("/open")
async def open_gate() -> None:
    gate.set()
    thread_gate.set()


@app.get("/borrow")
async def borrow_once(seconds: float) -> dict[str, int]:
    return await borrow(app.state.pool, seconds)


@app.get("/other")
async def other(seconds: float) -> dict[str, int]:
    return await borrow(await app.state.early, seconds)


@app.get("/impatient")
async def impatient() -> str:
    try:
        await borrow(app.state.pool, 0, patience=0.05)
    except TimeoutError as error:
        return type(error).__name__
    return ""


@app.get("/wrong")
async def wrong() -> str:
    try:
        await app.state.pool.fetchval("SELECT nothing")
    except asyncpg.PostgresError as error:
        return type(error).__name__
    return ""


@app.get("/abandoned")
async def abandoned() -> dict[str, int]:
    """Ask for a connection in a task, and cancel it while it waits, when told to."""
    task = asyncio.create_task(borrow(app.state.pool, 0))
    await cancel_gate.wait()
    cancelled = now()
    task.cancel()
    await asyncio.wait([task])
    return {"cancelled": cancelled}


@app.get("/cancel")
async def cancel() -> None:
    cancel_gate.set()


@app.get("/close")
async def close() -> None:
    await app.state.pool.close()


@app.get("/outside")
async def let_work_outside() -> None:
    outside_gate.set()


@app.get("/told")
async def told() -> dict[str, Any]:
    pool = app.state.pool
    return {
        "outside": outside,
        "checked_out": len(pool._holders) - pool._queue.qsize(),
        "in_use": sum(holder._in_use is not None for holder in pool._holders),
        "idle": pool.get_idle_size(),
    }


@app.get("/of-loop")
async def of_loop() -> dict[str, int]:
    asked = now()
    async with app.state.of_loop.connection() as connection:
        taken = now()
        await gate.wait()
        await connection.execute("SELECT pg_sleep(0.02)")
        done = now()
    return {"asked": asked, "taken": taken, "done": done, "back": now()}


@app.get("/of-threads")
def of_threads() -> dict[str, int]:
    asked = now()
    with app.state.of_threads.connection() as connection:
        taken = now()
        thread_gate.wait()
        connection.execute("SELECT pg_sleep(0.02)")
        done = now()
    return {"asked": asked, "taken": taken, "done": done, "back": now()}
