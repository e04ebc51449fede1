"""The same query behind three pools: the database answers as many at once as there are connections."""

import os
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI

database = os.environ["LAB_POSTGRES"]
delay = float(os.environ.get("LAB_DELAY", "0.2"))


def with_pool(size):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(database, min_size=size, max_size=size) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def wait_for_the_database():
        async with app.state.pool.acquire() as connection:
            await connection.execute("SELECT pg_sleep($1)", delay)
        return {"waited": delay}

    return app


pool_5 = with_pool(5)
pool_20 = with_pool(20)
pool_50 = with_pool(50)
