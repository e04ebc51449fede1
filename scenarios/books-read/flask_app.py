"""The books in Flask: the same query in the thread of the request."""

import os

from flask import Flask, abort
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

database = os.environ["LAB_POSTGRES"]
threads = 4

app = Flask(__name__)
pool = ConnectionPool(database, min_size=threads, kwargs={"row_factory": dict_row}, open=True)


@app.get("/books/<int:id>")
def read_book(id):
    with pool.connection() as connection:
        book = connection.execute("SELECT id, title, author, year FROM books WHERE id = %s", [id]).fetchone()
    return book or abort(404)
