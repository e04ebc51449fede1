"""An answer that comes word by word, from three generators that wait in different places."""

import asyncio
import os
import time

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

tokens = int(os.environ.get("LAB_TOKENS", "10"))
gap = float(os.environ.get("LAB_GAP", "0.1"))

async_generator = FastAPI()
sync_generator = FastAPI()
blocking_generator = FastAPI()


async def await_tokens():
    for number in range(tokens):
        await asyncio.sleep(gap)
        yield f"token {number}\n"


def sleep_for_tokens():
    for number in range(tokens):
        time.sleep(gap)
        yield f"token {number}\n"


async def block_for_tokens():
    for number in range(tokens):
        time.sleep(gap)
        yield f"token {number}\n"


@async_generator.get("/tokens")
async def stream_and_await():
    return StreamingResponse(await_tokens(), media_type="text/plain")


@sync_generator.get("/tokens")
def stream_from_threads():
    return StreamingResponse(sleep_for_tokens(), media_type="text/plain")


@blocking_generator.get("/tokens")
async def stream_and_block():
    return StreamingResponse(block_for_tokens(), media_type="text/plain")
