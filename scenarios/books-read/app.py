"""The books in FastAPI: one query for one book."""

import os
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException

database = os.environ["LAB_POSTGRES"]


@asynccontextmanager
async def lifespan(app):
    async with asyncpg.create_pool(database, min_size=5, max_size=15) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/books/{id}")
async def read_book(id: int):
    async with app.state.pool.acquire() as connection:
        book = await connection.fetchrow("SELECT id, title, author, year FROM books WHERE id = $1", id)
    if book is None:
        raise HTTPException(404)
    return dict(book)
