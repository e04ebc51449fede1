"""The same computation on the loop, in a thread, and in another process."""

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from fastapi import FastAPI
from work import count_primes

below = int(os.environ.get("LAB_BELOW", "25000"))
processes = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))

on_the_loop = FastAPI()
in_a_thread = FastAPI()
in_a_process = FastAPI()


@on_the_loop.get("/primes")
async def compute_on_the_loop():
    return {"primes": count_primes(below)}


@in_a_thread.get("/primes")
def compute_in_a_thread():
    return {"primes": count_primes(below)}


@in_a_process.get("/primes")
async def compute_in_a_process():
    loop = asyncio.get_running_loop()
    return {"primes": await loop.run_in_executor(processes, count_primes, below)}
