"""One piece of work, and several of them gathered: pieces that compute, and pieces that wait."""

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from fastapi import FastAPI
from work import compute

pieces = int(os.environ.get("LAB_PIECES", "4"))
size = int(os.environ.get("LAB_SIZE", "200000"))
delay = float(os.environ.get("LAB_DELAY", "0.05"))
processes = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))

gather_cpu = FastAPI()
gather_io = FastAPI()
process_pool = FastAPI()


async def compute_piece():
    compute(size)


@gather_cpu.get("/one")
async def compute_one():
    await compute_piece()
    return {"pieces": 1}


@gather_cpu.get("/all")
async def compute_all():
    await asyncio.gather(*(compute_piece() for _ in range(pieces)))
    return {"pieces": pieces}


@gather_io.get("/one")
async def wait_for_one():
    await asyncio.sleep(delay)
    return {"pieces": 1}


@gather_io.get("/all")
async def wait_for_all():
    await asyncio.gather(*(asyncio.sleep(delay * (n + 1) / pieces) for n in range(pieces)))
    return {"pieces": pieces}


@process_pool.get("/one")
async def send_one():
    await asyncio.get_running_loop().run_in_executor(processes, compute, size)
    return {"pieces": 1}


@process_pool.get("/all")
async def send_all():
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(processes, compute, size) for _ in range(pieces)))
    return {"pieces": pieces}
