"""The same wait in a synchronous framework: who is served decides the server, not the code."""

import os
import time

from flask import Flask

delay = float(os.environ.get("LAB_DELAY", "1.0"))

app = Flask(__name__)


@app.get("/")
def serve_one_at_a_time():
    time.sleep(delay)
    return {"waited": delay}
