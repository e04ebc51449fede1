"""Forty threads that are soon done, and a loop that does not come to take their slots back."""

import asyncio
import os
import random
import time

from fastapi import FastAPI

delay = float(os.environ.get("LAB_DELAY", "0.2"))
freeze = float(os.environ.get("LAB_FREEZE", "0.8"))

blocked_loop = FastAPI()
free_loop = FastAPI()


@blocked_loop.get("/work")
@free_loop.get("/work")
def work_in_a_thread():
    time.sleep(random.uniform(0.5, 1.5) * delay)
    return {"worked": True}


@blocked_loop.get("/report")
async def report_and_block():
    time.sleep(freeze)
    return {"reported": True}


@free_loop.get("/report")
async def report_and_let_go():
    await asyncio.sleep(freeze)
    return {"reported": True}
