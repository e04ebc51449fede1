"""An application whose requests wait until they are told to go on."""

# ruff: noqa: ASYNC240, ASYNC251

import asyncio
import os
import sys
import time
from pathlib import Path

from fastapi import FastAPI

if "WITHOUT_AIOMONITOR" in os.environ:
    sys.modules["aiomonitor"] = None  # type: ignore[assignment]

app = FastAPI()
complaints: list[str] = []


@app.get("/wait")
async def wait() -> None:
    await asyncio.Event().wait()  # the line that awaits


@app.get("/parent")
async def parent() -> None:
    await asyncio.create_task(child(), name="the child")


async def child() -> None:
    await wait()


@app.get("/block")
async def block(until: str) -> None:
    while not Path(until).exists():
        time.sleep(0.005)  # the line that blocks


@app.get("/fail")
async def fail() -> None:
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: complaints.append(str(context.get("exception")))
    )

    async def lost() -> None:
        raise RuntimeError("nobody reads this")

    asyncio.create_task(lost(), name="lost")  # noqa: RUF006


@app.get("/complaints")
async def told() -> list[str]:
    return complaints


@app.get("/factory")
async def factory() -> str:
    return str(asyncio.get_running_loop().get_task_factory())
