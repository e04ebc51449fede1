"""An application that imports its driver when it is asked to, and takes a connection at once."""

import os
from typing import Any

from fastapi import FastAPI

app = FastAPI()
kept: dict[str, Any] = {}


@app.get("/import")
async def import_driver() -> None:
    import asyncpg

    kept["pool"] = await asyncpg.create_pool(os.environ["TEST_POSTGRES"], min_size=1, max_size=3)
    kept["connection"] = await kept["pool"].acquire()


@app.get("/borrow")
async def borrow() -> None:
    await kept["pool"].execute("SELECT pg_sleep(0.2)")


@app.get("/back")
async def give_back() -> None:
    await kept["pool"].release(kept["connection"])
