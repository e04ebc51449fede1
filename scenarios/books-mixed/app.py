"""The books in FastAPI: read, write and change."""

import os
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

database = os.environ["LAB_POSTGRES"]


@asynccontextmanager
async def lifespan(app):
    async with asyncpg.create_pool(database, min_size=5, max_size=15) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


class NewBook(BaseModel):
    title: str
    author: str
    year: int
    pages: int


@app.get("/books/{id}")
async def read_book(id: int):
    return await one("SELECT id, title, author, year FROM books WHERE id = $1", id)


@app.post("/books", status_code=201)
async def write_book(book: NewBook):
    return await one(
        "INSERT INTO books (title, author, year, pages, stock) VALUES ($1, $2, $3, $4, 0)"
        " RETURNING title, author, year",
        book.title,
        book.author,
        book.year,
        book.pages,
    )


@app.patch("/books/{id}/stock")
async def change_stock(id: int):
    return await one("UPDATE books SET stock = stock + 1 WHERE id = $1 RETURNING id, title", id)


async def one(query, *values):
    async with app.state.pool.acquire() as connection:
        book = await connection.fetchrow(query, *values)
    if book is None:
        raise HTTPException(404)
    return dict(book)
