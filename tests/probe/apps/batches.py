"""An application that answers in batches, in a thread and in the executor; an answer is its batch's size."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI

Waiting = list[asyncio.Future[int]]
gates = {"thread": asyncio.Event(), "executor": asyncio.Event()}
waiting: dict[str, Waiting] = {"thread": [], "executor": []}


async def answer(place: str, run: Callable[..., Awaitable[Any]]) -> None:
    while True:
        await gates[place].wait()
        gates[place].clear()
        batch, waiting[place] = waiting[place], []
        await run(len, batch)
        for future in batch:
            future.set_result(len(batch))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(answer("thread", anyio.to_thread.run_sync)),
        asyncio.create_task(answer("executor", asyncio.to_thread)),
    ]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


app = FastAPI(lifespan=lifespan)


@app.get("/ask/{place}")
async def ask(place: str) -> int:
    future = asyncio.get_running_loop().create_future()
    waiting[place].append(future)
    return await future


@app.get("/waiting/{place}")
async def how_many(place: str) -> int:
    return len(waiting[place])


@app.get("/go/{place}")
async def go(place: str) -> None:
    gates[place].set()
