"""Three users at once, and one wait for each of them."""

import asyncio
import os
import time

from fastapi import FastAPI

delay = float(os.environ.get("LAB_DELAY", "1.0"))

fastapi_def = FastAPI()
async_blocking = FastAPI()
async_await = FastAPI()


@fastapi_def.get("/")
def serve_in_a_thread():
    time.sleep(delay)
    return {"waited": delay}


@async_blocking.get("/")
async def serve_on_the_loop():
    time.sleep(delay)
    return {"waited": delay}


@async_await.get("/")
async def serve_and_let_go():
    await asyncio.sleep(delay)
    return {"waited": delay}
