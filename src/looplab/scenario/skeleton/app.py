"""Two routes that wait the same time: one holds the event loop meanwhile, the other lets it go.

Each variant of scenario.toml names one of these applications.
"""

import asyncio
import os
import time

from fastapi import FastAPI

# Every knob of scenario.toml comes as an environment variable: LAB_ and its name in capitals.
delay = float(os.environ.get("LAB_DELAY", "0.05"))

blocking = FastAPI()
awaiting = FastAPI()


@blocking.get("/")
async def wait_on_the_loop() -> dict[str, float]:
    time.sleep(delay)
    return {"waited": delay}


@awaiting.get("/")
async def wait_and_let_go() -> dict[str, float]:
    await asyncio.sleep(delay)
    return {"waited": delay}
