"""Every request changes a book and keeps its row locked for a moment, as a slow transaction does."""

import itertools
import os
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI

postgres = os.environ.get("LAB_POSTGRES", "postgresql://127.0.0.1/postgres")
hold = float(os.environ.get("LAB_HOLD", "0.05"))
pool_size = int(os.environ.get("LAB_POOL", "20"))

books = itertools.cycle(range(1, 1001))


@asynccontextmanager
async def lifespan(app):
    async with asyncpg.create_pool(postgres, min_size=pool_size, max_size=pool_size) as app.state.pool:
        yield


same_row = FastAPI(lifespan=lifespan)
different_rows = FastAPI(lifespan=lifespan)


async def sell(app, book):
    async with app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE books SET stock = stock + 1 WHERE id = $1", book)
        await connection.execute("SELECT pg_sleep($1)", hold)
    return {"changed": 1}


@same_row.post("/")
async def change_one_book():
    return await sell(same_row, book=1)


@different_rows.post("/")
async def change_any_book():
    return await sell(different_rows, book=next(books))
