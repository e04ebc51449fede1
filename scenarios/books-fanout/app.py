"""A slow query in FastAPI: whoever waits for it holds a connection and nothing else."""

import os
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException

database = os.environ["LAB_POSTGRES"]
delay = float(os.environ.get("LAB_DELAY", "0.05"))


def with_pool(size):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(database, min_size=size, max_size=size) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/books/{id}")
    async def read_slowly(id: int):
        async with app.state.pool.acquire() as connection:
            await connection.execute("SELECT pg_sleep($1)", delay)
            book = await connection.fetchrow("SELECT id, title, author, year FROM books WHERE id = $1", id)
        if book is None:
            raise HTTPException(404)
        return dict(book)

    return app


app = with_pool(15)
pool_of_five = with_pool(5)
