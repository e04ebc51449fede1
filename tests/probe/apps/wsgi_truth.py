"""Flask and plain WSGI applications that tell the truth about themselves in their answers."""

import os
import threading
import time
from pathlib import Path

from flask import Flask, Response, request

app = Flask(__name__)


def wait_for_gate() -> None:
    """Wait until the test makes the file: a gate for all threads of all workers."""
    while not Path(os.environ["LAB_GATE"]).exists():
        time.sleep(0.002)


@app.get("/")
def root() -> dict[str, object]:
    return {"pid": os.getpid(), "thread": threading.current_thread().name}


@app.get("/sleep")
def sleep() -> dict[str, int]:
    began = time.monotonic_ns()
    time.sleep(float(request.args["seconds"]))
    return {"began_ns": began, "ended_ns": time.monotonic_ns()}


@app.get("/held")
def held() -> dict[str, int]:
    wait_for_gate()
    return {"pid": os.getpid()}


@app.get("/boom")
def boom() -> None:
    raise RuntimeError("the application's own error")


@app.get("/stream")
def stream() -> Response:
    def chunks():
        yield "first\n"
        wait_for_gate()
        yield "last\n"

    return Response(chunks(), mimetype="text/plain")


@app.get("/forever")
def forever() -> Response:
    def chunks():
        while True:
            yield "x" * 1024
            time.sleep(0.002)

    return Response(chunks(), mimetype="text/plain")


@app.get("/fork")
def fork() -> dict[str, int]:
    pid = os.fork()
    if pid == 0:
        wait_for_gate()
        os._exit(0)
    return {"child": pid}


@app.get("/café")
def unicode_path() -> dict[str, bool]:
    return {"ok": True}


def rude(environ, start_response):
    """Raises before it has said anything."""
    raise RuntimeError("no framework catches this")


def sent_file(environ, start_response):
    """Answers with its own source as the server's kind of file, which gunicorn sends by the kernel."""
    file = Path(__file__).open("rb")  # noqa: SIM115  (the server closes it)
    start_response("200 OK", [("content-type", "text/plain")])
    return environ["wsgi.file_wrapper"](file)
