"""A listing that waits for the database, and a model that computes, in one service."""

import asyncio
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

from model import predict

database = os.environ["LAB_POSTGRES"]
waiting = asyncio.Queue()


@asynccontextmanager
async def with_database(app):
    async with asyncpg.create_pool(database, min_size=20, max_size=20) as app.state.pool:
        yield


@asynccontextmanager
async def with_processes(app):
    with ProcessPoolExecutor(max_workers=1) as app.state.processes:
        app.state.processes.submit(predict, [0]).result()
        async with with_database(app):
            yield


@asynccontextmanager
async def with_batches(app):
    task = asyncio.create_task(predict_batches())
    async with with_database(app):
        yield
    task.cancel()


predict_in_async = FastAPI(lifespan=with_database)
predict_in_def = FastAPI(lifespan=with_database)
predict_in_processes = FastAPI(lifespan=with_processes)
micro_batch = FastAPI(lifespan=with_batches)


@predict_in_async.get("/predict/{item}")
async def predict_on_the_loop(item: int):
    return {"class": predict([item])[0]}


@predict_in_def.get("/predict/{item}")
def predict_in_a_thread(item: int):
    return {"class": predict([item])[0]}


@predict_in_processes.get("/predict/{item}")
async def predict_in_a_process(item: int):
    loop = asyncio.get_running_loop()
    return {"class": (await loop.run_in_executor(predict_in_processes.state.processes, predict, [item]))[0]}


@micro_batch.get("/predict/{item}")
async def predict_with_others(item: int):
    answer = asyncio.get_running_loop().create_future()
    waiting.put_nowait((item, answer))
    return {"class": await answer}


async def predict_batches():
    while True:
        batch = [await waiting.get()]
        while not waiting.empty() and len(batch) < 32:
            batch.append(waiting.get_nowait())
        classes = await run_in_threadpool(predict, [item for item, _ in batch])
        for (_, answer), found in zip(batch, classes, strict=True):
            if not answer.done():
                answer.set_result(found)


async def list_products(request: Request, page: int):
    query = "SELECT id, title FROM books ORDER BY id LIMIT 20 OFFSET $1"
    return [dict(book) for book in await request.app.state.pool.fetch(query, 20 * page)]


for app in (predict_in_async, predict_in_def, predict_in_processes, micro_batch):
    app.get("/products/{page}")(list_products)
