"""An application that calls a service by every client there is, and stamps itself, in nanoseconds."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import httpx
import requests
from fastapi import FastAPI

upstream = os.environ["TEST_UPSTREAM"]
now = time.monotonic_ns
two = httpx.Limits(max_connections=2)
dropped = []


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # The first client is made here, and with it httpcore is imported.
    app.state.client = httpx.AsyncClient(timeout=30, limits=two)
    app.state.sync_client = httpx.Client(timeout=30)
    app.state.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2))
    yield
    await app.state.client.aclose()
    app.state.sync_client.close()
    await app.state.session.close()


app = FastAPI(lifespan=lifespan)


@app.get("/shared")
async def shared() -> dict[str, int]:
    asked = now()
    await app.state.client.get(f"{upstream}/gate")
    return {"asked": asked, "done": now()}


@app.get("/fresh")
async def fresh() -> dict[str, int]:
    async with httpx.AsyncClient(timeout=30) as client:
        asked = now()
        await client.get(f"{upstream}/gate")
        return {"asked": asked, "done": now()}


@app.get("/session")
async def session() -> dict[str, int]:
    asked = now()
    async with app.state.session.get(f"{upstream}/gate") as response:
        await response.read()
    return {"asked": asked, "done": now()}


@app.get("/sync")
def sync() -> dict[str, int]:
    asked = now()
    app.state.sync_client.get(f"{upstream}/gate")
    return {"asked": asked, "done": now()}


@app.get("/requests")
def by_requests() -> dict[str, int]:
    asked = now()
    requests.get(f"{upstream}/gate", timeout=30)
    return {"asked": asked, "done": now()}


@app.get("/redirected")
async def redirected() -> None:
    await app.state.client.get(f"{upstream}/redirect", follow_redirects=True)


@app.get("/refused")
async def refused() -> str:
    try:
        await app.state.client.get("http://127.0.0.1:1")
    except httpx.ConnectError as error:
        return str(error)
    return ""


@app.get("/given-up")
async def given_up() -> str:
    try:
        await app.state.client.get(f"{upstream}/gate", timeout=0.05)
    except httpx.TimeoutException as error:
        return str(error)
    return "answered"


@app.get("/dropped")
async def drop() -> None:
    client = httpx.AsyncClient(timeout=30)
    response = await client.send(client.build_request("GET", f"{upstream}/open"), stream=True)
    dropped.append((client, response))


@app.get("/forget")
async def forget() -> None:
    dropped.clear()
