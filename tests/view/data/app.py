"""What the code panel prints in tests; the lines are those that `streams` names as guilty."""

import asyncio
import time

from fastapi import FastAPI

delay = 0.1
# ruff: noqa: ASYNC251

def_blocking = FastAPI()
async_blocking = FastAPI()
async_await = FastAPI()


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
