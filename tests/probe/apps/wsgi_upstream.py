"""A Flask application that calls a service, and stamps itself, in nanoseconds."""

import os
import time

import requests
from flask import Flask
from requests.adapters import HTTPAdapter

upstream = os.environ["TEST_UPSTREAM"]
now = time.monotonic_ns
app = Flask(__name__)
session = requests.Session()
session.mount("http://", HTTPAdapter(pool_maxsize=2, pool_block=True))


@app.get("/call")
def call() -> dict[str, int]:
    asked = now()
    session.get(f"{upstream}/gate", timeout=30)
    return {"asked": asked, "done": now()}
