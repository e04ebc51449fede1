"""The books in Flask: read, write and change, in the thread of the request."""

import os

from flask import Flask, abort, request
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

database = os.environ["LAB_POSTGRES"]
threads = 4

app = Flask(__name__)
pool = ConnectionPool(database, min_size=threads, kwargs={"row_factory": dict_row}, open=True)


@app.get("/books/<int:id>")
def read_book(id):
    return one("SELECT id, title, author, year FROM books WHERE id = %s", id)


@app.post("/books")
def write_book():
    book = request.get_json()
    query = (
        "INSERT INTO books (title, author, year, pages, stock) VALUES (%s, %s, %s, %s, 0)"
        " RETURNING title, author, year"
    )
    return one(query, book["title"], book["author"], book["year"], book["pages"]), 201


@app.patch("/books/<int:id>/stock")
def change_stock(id):
    return one("UPDATE books SET stock = stock + 1 WHERE id = %s RETURNING id, title", id)


def one(query, *values):
    with pool.connection() as connection:
        book = connection.execute(query, values).fetchone()
    return book or abort(404)
