"""Clients that wait for news: an event holds all of them, or each of them holds a thread."""

import asyncio
import os
import threading
import time
from contextlib import asynccontextmanager

from fastapi import FastAPI

interval = float(os.environ.get("LAB_INTERVAL", "2.0"))


@asynccontextmanager
async def publish_on_the_loop(app):
    async def publish():
        while True:
            app.state.news = asyncio.Event()
            await asyncio.sleep(interval)
            app.state.news.set()

    task = asyncio.create_task(publish())
    yield
    task.cancel()


@asynccontextmanager
async def publish_from_a_thread(app):
    def publish():
        while True:
            app.state.news = threading.Event()
            time.sleep(interval)
            app.state.news.set()

    threading.Thread(target=publish, daemon=True).start()
    yield


async_event = FastAPI(lifespan=publish_on_the_loop)
sync_thread = FastAPI(lifespan=publish_from_a_thread)


@async_event.get("/news")
async def await_news():
    await async_event.state.news.wait()
    return {"news": "there is some"}


@async_event.get("/health")
async def health_on_the_loop():
    return {"healthy": True}


@sync_thread.get("/news")
def wait_for_news():
    sync_thread.state.news.wait()
    return {"news": "there is some"}


@sync_thread.get("/health")
def health_in_a_thread():
    return {"healthy": True}
