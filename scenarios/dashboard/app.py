"""A page that needs an answer from several services. They take 0.3 to 0.8 seconds each."""

import asyncio
import os
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

upstream = os.environ.get("LAB_UPSTREAM", "http://127.0.0.1:8001")
services = int(os.environ.get("LAB_SERVICES", "4"))
times = [0.3 + 0.5 * number / (services - 1) for number in range(services)]

unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=None)
client = httpx.Client(base_url=upstream, limits=unlimited)
async_client = httpx.AsyncClient(base_url=upstream, limits=unlimited)


@asynccontextmanager
async def lifespan(app):
    yield
    await async_client.aclose()
    client.close()


sequential_def = FastAPI(lifespan=lifespan)
sequential_async = FastAPI(lifespan=lifespan)
gather = FastAPI(lifespan=lifespan)
task_group = FastAPI(lifespan=lifespan)


async def ask(seconds):
    answer = await async_client.get("/", params={"seconds": seconds})
    return answer.json()["waited"]


@sequential_def.get("/")
def one_after_another_in_a_thread():
    return [client.get("/", params={"seconds": seconds}).json()["waited"] for seconds in times]


@sequential_async.get("/")
async def one_after_another():
    return [await ask(seconds) for seconds in times]


@gather.get("/")
async def all_at_once():
    return await asyncio.gather(*(ask(seconds) for seconds in times))


@task_group.get("/")
async def all_at_once_in_a_group():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(seconds)) for seconds in times]
    return [task.result() for task in tasks]
