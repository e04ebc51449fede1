"""Bodies that come in slowly, written to a slow disk: by a thread, or by the loop itself."""

import os
import tempfile
import time

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

delay = float(os.environ.get("LAB_DELAY", "0.06"))

async_stream = FastAPI()
blocking_write = FastAPI()


def write(file, chunk):
    file.write(chunk)
    time.sleep(delay)


@async_stream.post("/upload")
async def write_in_a_thread(request: Request):
    with tempfile.TemporaryFile() as file:
        async for chunk in request.stream():
            await run_in_threadpool(write, file, chunk)
        return {"bytes": file.tell()}


@blocking_write.post("/upload")
async def write_on_the_loop(request: Request):
    with tempfile.TemporaryFile() as file:
        async for chunk in request.stream():
            write(file, chunk)
        return {"bytes": file.tell()}
