"""Every request asks another service, and waits for its answer in one of five ways."""

import os
from contextlib import asynccontextmanager

import httpx
import requests
from fastapi import FastAPI

upstream = os.environ["LAB_UPSTREAM"]
connections = int(os.environ.get("LAB_POOL", "5"))


@asynccontextmanager
async def with_one_client(app):
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=30, limits=limits) as app.state.client:
        yield


@asynccontextmanager
async def with_few_connections(app):
    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(timeout=30, limits=limits) as app.state.client:
        yield


requests_in_async = FastAPI()
requests_in_def = FastAPI()
httpx_async = FastAPI(lifespan=with_one_client)
few_connections = FastAPI(lifespan=with_few_connections)
client_per_request = FastAPI()


@requests_in_async.get("/")
async def ask_on_the_loop():
    return requests.get(upstream, timeout=30).json()


@requests_in_def.get("/")
def ask_in_a_thread():
    return requests.get(upstream, timeout=30).json()


@httpx_async.get("/")
async def ask_and_let_go():
    response = await httpx_async.state.client.get(upstream)
    return response.json()


@few_connections.get("/")
async def ask_when_there_is_a_connection():
    response = await few_connections.state.client.get(upstream)
    return response.json()


@client_per_request.get("/")
async def ask_with_a_new_client():
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.get(upstream)
    return response.json()
