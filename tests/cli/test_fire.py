"""`looplab fire` at servers that this test has started itself."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

Command = Callable[..., subprocess.CompletedProcess[str]]


class Site:
    """A server that counts what it is asked, and answers 503 below /broken."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str, str]] = Counter()
        self.more = threading.Condition()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                with site.more:
                    site.asked[self.command, self.path, body] += 1
                    site.more.notify_all()
                self.send_response(503 if self.path.startswith("/broken") else 200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            do_POST = do_GET  # noqa: N815  the name that http.server calls

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def test_the_server_counts_what_the_figures_say(looplab: Command, site: Site, tmp_path: Path) -> None:
    said = looplab("fire", f"{site.url}/a?b=1", "-n", "300", "-c", "8", "--json", "run.json")
    assert said.returncode == 0, said.stderr
    assert site.asked == {("GET", "/a?b=1", ""): 300}
    assert said.stderr == f"{site.url}/a?b=1: 300 requests, 8 at once\n"
    assert "requests    300    ok 300    errors 0\n" in said.stdout
    assert "status      200 × 300\n" in said.stdout
    assert said.stdout.count("  ≤ ") == 11
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["ok"] == 300
    assert [run[key] for key in ("loops", "slots", "ceiling_rps", "bottleneck")] == [None] * 4


def test_errors_are_told_by_kind_and_status(looplab: Command, site: Site) -> None:
    said = looplab("fire", f"{site.url}/broken", "-n", "40", "-c", "4", "--body", "x", "--generators", "2")
    assert said.returncode == 0, said.stderr
    assert site.asked == {("POST", "/broken", "x"): 40}
    assert "ok 0    errors 40 (status 40)" in said.stdout
    assert "status      503 × 40\n" in said.stdout


def test_json_to_stdout_is_alone_there(looplab: Command, site: Site) -> None:
    said = looplab("fire", site.url, "--rate", "100", "-n", "20", "--connections", "2", "--json", "-")
    run = json.loads(said.stdout)
    assert run["requests"] == sum(site.asked.values())
    assert run["latency_ms"]["response"]["n"] == run["ok"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_figures_up_to_then(
    environment: dict[str, str], site: Site, number: signal.Signals
) -> None:
    fire = subprocess.Popen(
        # A shell ignores SIGINT for its jobs in the background, and whoever runs the tests may be one.
        [
            sys.executable,
            "-c",
            "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
            " runpy.run_module('looplab', run_name='__main__')",
            *("fire", site.url, "-c", "2", "-d", "600s"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        with site.more:
            assert site.more.wait_for(lambda: sum(site.asked.values()) >= 10, 40)
        fire.send_signal(number)
        out, err = fire.communicate(timeout=20)
    finally:
        fire.kill()
        fire.wait()
    assert fire.returncode == 128 + number, err
    assert "req/s" in out
    assert "Traceback" not in err
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["https://127.0.0.1/"], 2, "speaks http and no TLS"),
        (["http://192.0.2.1/"], 2, "--allow-remote 192.0.2.1"),
        (["127.0.0.1", "-c", "5", "--rate", "5"], 2, "there are no users"),
        (["127.0.0.1", "--connections", "5"], 2, "goes with --rate"),
        (["127.0.0.1", "-d", "soon"], 2, "no duration"),
        (["127.0.0.1", "--header", "x"], 2, "no name and value"),
        (["127.0.0.1", "--header", "a b: c"], 2, "characters that HTTP does not allow"),
        (["127.0.0.1", "--rate", "nan"], 2, "nan is no number"),
        (["127.0.0.1", "--rate", "1e9"], 2, "not in the range"),
        (["127.0.0.1", "--body", "\udcff"], 2, "not UTF-8"),
        (["127.0.0.1:1"], 1, "nothing can be reached at 127.0.0.1:1: Connection refused"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    looplab: Command, arguments: list[str], status: int, reason: str
) -> None:
    said = looplab("fire", *arguments)
    assert said.returncode == status
    assert said.stdout == ""
    assert reason in said.stderr
    assert said.stderr.count("\n") == 1


def test_more_users_than_files_is_told_with_the_mend(looplab: Command, site: Site) -> None:
    said = looplab("fire", site.url, "-c", "100000", "-d", "1s")
    assert said.returncode == 1
    assert "raise it with `ulimit -n" in said.stderr


def test_a_server_that_only_hangs_up_was_not_reached(looplab: Command) -> None:
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    listener.accept()[0].close()

        listener.settimeout(0.1)
        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            said = looplab("fire", f"127.0.0.1:{listener.getsockname()[1]}", "-n", "4", "-c", "1")
        finally:
            ended.set()
            thread.join()
    assert said.returncode == 1
    assert "no request was answered" in said.stderr
