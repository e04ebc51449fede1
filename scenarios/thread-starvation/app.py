"""A slow route and a fast one. They differ in whose threads the fast one uses."""

import os
import random
import time

import anyio
from fastapi import FastAPI

delay = float(os.environ.get("LAB_DELAY", "1.0"))
own = anyio.CapacityLimiter(4)

shared_threads = FastAPI()
own_limiter = FastAPI()
async_health = FastAPI()


@shared_threads.get("/slow")
@own_limiter.get("/slow")
@async_health.get("/slow")
def read_slowly():
    time.sleep(random.uniform(0.5, 1.5) * delay)
    return {"slow": True}


def look_around():
    return {"healthy": True}


@shared_threads.get("/health")
def health_in_a_shared_thread():
    return look_around()


@own_limiter.get("/health")
async def health_in_an_own_thread():
    return await anyio.to_thread.run_sync(look_around, limiter=own)


@async_health.get("/health")
async def health_on_the_loop():
    return look_around()
