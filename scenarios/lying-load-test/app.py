"""A fast route on a server that stands still for a moment every few seconds."""

import asyncio
import os
import time
from contextlib import asynccontextmanager

from fastapi import FastAPI

period = float(os.environ.get("LAB_PERIOD", "5"))
freeze = float(os.environ.get("LAB_FREEZE", "1"))
delay = float(os.environ.get("LAB_DELAY", "0.02"))


@asynccontextmanager
async def clean_up_now_and_then(app):
    async def clean_up():
        while True:
            await asyncio.sleep(period - freeze)
            time.sleep(freeze)

    task = asyncio.create_task(clean_up())
    yield
    task.cancel()


app = FastAPI(lifespan=clean_up_now_and_then)


@app.get("/")
async def answer_fast():
    await asyncio.sleep(delay)
    return {"fast": True}
