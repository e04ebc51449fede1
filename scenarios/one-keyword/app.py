"""Four routes that wait twice. They differ in who waits: a thread, the event loop, or nobody."""

import asyncio
import os
import time

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

delay = float(os.environ.get("LAB_DELAY", "0.1"))

def_blocking = FastAPI()
async_blocking = FastAPI()
async_await = FastAPI()
async_offload = FastAPI()


@def_blocking.get("/")
def wait_in_a_thread():
    time.sleep(delay)
    time.sleep(delay)
    return {"waited": 2 * delay}


@async_blocking.get("/")
async def wait_on_the_loop():
    time.sleep(delay)
    time.sleep(delay)
    return {"waited": 2 * delay}


@async_await.get("/")
async def wait_and_let_go():
    await asyncio.sleep(delay)
    await asyncio.sleep(delay)
    return {"waited": 2 * delay}


@async_offload.get("/")
async def wait_half_in_a_thread():
    await run_in_threadpool(time.sleep, delay)
    await asyncio.sleep(delay)
    return {"waited": 2 * delay}
