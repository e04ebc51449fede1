"""A Flask application with a pool of connections for threads, that stamps itself, in nanoseconds."""

import os
import time
from pathlib import Path

from flask import Flask
from psycopg_pool import ConnectionPool

app = Flask(__name__)
pool = ConnectionPool(os.environ["TEST_POSTGRES"], min_size=2, max_size=2, open=True)
now = time.monotonic_ns


def wait_for_gate() -> None:
    while not Path(os.environ["LAB_GATE"]).exists():
        time.sleep(0.002)


@app.get("/borrow")
def borrow() -> dict[str, int]:
    asked = now()
    with pool.connection() as connection:
        taken = now()
        wait_for_gate()
        connection.execute("SELECT pg_sleep(0.02)")
        done = now()
    return {"asked": asked, "taken": taken, "done": done, "back": now()}


@app.get("/plain")
def plain() -> dict[str, bool]:
    return {"ok": True}
