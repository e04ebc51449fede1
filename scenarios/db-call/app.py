"""One slow query, four ways to wait for its answer."""

import os
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from psycopg_pool import ConnectionPool

database = os.environ["LAB_POSTGRES"]
delay = float(os.environ.get("LAB_DELAY", "0.25"))
size = int(os.environ.get("LAB_POOL", "50"))

pool = ConnectionPool(database, min_size=size, max_size=size, open=False)


@asynccontextmanager
async def with_psycopg(app):
    with pool:
        pool.wait()
        yield


@asynccontextmanager
async def with_asyncpg(app):
    async with asyncpg.create_pool(database, min_size=size, max_size=size) as app.state.pool:
        yield


psycopg_in_async = FastAPI(lifespan=with_psycopg)
psycopg_in_def = FastAPI(lifespan=with_psycopg)
psycopg_offload = FastAPI(lifespan=with_psycopg)
with_await = FastAPI(lifespan=with_asyncpg)


def run_query():
    with pool.connection() as connection:
        connection.execute("SELECT pg_sleep(%s)", (delay,))


@psycopg_in_async.get("/")
async def query_on_the_loop():
    run_query()
    return {"waited": delay}


@psycopg_in_def.get("/")
def query_in_a_thread():
    run_query()
    return {"waited": delay}


@psycopg_offload.get("/")
async def query_handed_to_a_thread():
    await run_in_threadpool(run_query)
    return {"waited": delay}


@with_await.get("/")
async def query_and_let_go():
    async with with_await.state.pool.acquire() as connection:
        await connection.execute("SELECT pg_sleep($1)", delay)
    return {"waited": delay}
