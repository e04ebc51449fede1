"""A slow query in Flask: whoever waits for it holds a connection and a thread."""

import os

from flask import Flask, abort
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

database = os.environ["LAB_POSTGRES"]
delay = float(os.environ.get("LAB_DELAY", "0.05"))
threads = 4

app = Flask(__name__)
pool = ConnectionPool(database, min_size=threads, kwargs={"row_factory": dict_row}, open=True)


@app.get("/books/<int:id>")
def read_slowly(id):
    with pool.connection() as connection:
        connection.execute("SELECT pg_sleep(%s)", [delay])
        book = connection.execute("SELECT id, title, author, year FROM books WHERE id = %s", [id]).fetchone()
    return book or abort(404)
