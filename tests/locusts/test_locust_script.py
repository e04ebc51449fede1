"""The locustfile of a plan: what stands in it, and a Locust that runs it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from looplab.locust.limits import notes, obstacle
from looplab.locust.script import script, words
from looplab.traffic.plan import Plan, RequestSpec, Stage, Variable

BURST = Plan(executor="burst", requests=30, concurrency=4, max_duration=20)
RAMP = Plan(
    executor="ramping",
    start=5,
    stages=[Stage(target=10, duration=2), Stage(target=50, duration=0), Stage(target=50, duration=3)],
)
CONSTANT = Plan(executor="constant", users=4, think=0.25, duration=2.5, timeout=7)


def values(text: str, name: str) -> Any:
    """Give what a name is set to in the locustfile."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and any(getattr(one, "id", "") == name for one in node.targets):
            return ast.unparse(node.value)
    return None


def tasks(text: str) -> dict[str, tuple[int, str]]:
    """Give weight and call of each task."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("ask_"):
            (decorator,) = node.decorator_list
            weight = ast.literal_eval(decorator.args[0]) if isinstance(decorator, ast.Call) else 1
            found[node.name] = (weight, ast.unparse(node.body[-1]))
    return found


def test_users_who_think_wait_so_long_after_each_answer() -> None:
    text = script(CONSTANT)
    assert values(text, "wait_time") == "constant(0.25)"
    assert values(text, "network_timeout") == "7"
    assert words(CONSTANT) == ["--headless", "--users", "4", "--spawn-rate", "4", "--run-time", "3s"]
    assert "Locust counts whole seconds: it is cut after 3 s, the plan after 2.5 s" in notes(CONSTANT)
    assert "LoadTestShape" not in text


def test_a_ramp_is_a_shape_that_a_jump_takes_no_time_of() -> None:
    text = script(RAMP)
    assert values(text, "lines") == "[(0.0, 5, 2.0, 10), (2.0, 50, 5.0, 50)]"
    # A shape has users and length of its own; whoever leaves ends the present request first.
    assert words(RAMP) == ["--headless", "--stop-timeout", "60"]
    space: dict[str, Any] = {"LoadTestShape": object}
    shape = next(node for node in ast.parse(text).body if getattr(node, "name", "") == "Stages")
    exec(compile(ast.Module([shape], []), "shape", "exec"), space)
    stages = space["Stages"]()

    def at(now_s: float) -> int | None:
        stages.get_run_time = lambda: now_s
        tick = stages.tick()
        return None if tick is None else tick[0]

    # What a second has is the middle of it.
    assert [at(now) for now in (0, 1, 2, 4.9)] == [6, 9, 50, 50]
    assert at(5) is None


def test_each_kind_of_request_is_a_task_with_its_weight_and_expected_statuses() -> None:
    mix = [
        RequestSpec(name="stop", weight=0.5, path="/a"),
        RequestSpec(name="stop", weight=1.5, method="POST", path="/b", body='say "hi"', expect=[201, 409]),
    ]
    text = script(Plan(executor="constant", users=1, mix=mix))
    assert tasks(text) == {
        "ask_stop": (1, "self.ask('stop', 'GET', '/a', {'accept-encoding': 'identity'})"),
        "ask_stop_1": (
            3,
            "self.ask('stop', 'POST', '/b', {'accept-encoding': 'identity'}, "
            "body='say \"hi\"', expect=(201, 409))",
        ),
    }


def test_connections_that_are_not_kept_are_asked_to_close() -> None:
    text = script(Plan(executor="constant", users=1, keep_alive=False))
    assert "'connection': 'close'" in tasks(text)["ask_root"][1]


def test_the_lab_is_told_by_another_user_and_nothing_else_differs() -> None:
    plain, live = script(RAMP), script(RAMP, told={"run": 3, "boot": "x"})
    assert [line for line in live.splitlines() if line and line not in plain] == [
        "from locust import LoadTestShape, constant, events, task",
        "from looplab.locust.live import ToldUser as FastHttpUser, tell",
        "tell(",
        "    run=3,",
        "    boot='x',",
    ]
    assert "looplab" not in plain


@pytest.mark.parametrize(
    ("plan", "processes", "servers", "reason"),
    [
        (BURST, 4, 1, ""),
        (RAMP, 2, 1, ""),
        (CONSTANT, 2, 1, ""),
        (BURST, 5, 1, "cannot be shared by 5 Locust processes"),
        (CONSTANT, 1, 2, "Locust has one host, and this traffic is balanced over 2 servers"),
        (Plan(executor="constant", phases=[CONSTANT]), 1, 1, "Locust has no phases"),
        (Plan(executor="arrival-rate", rate=5), 1, 1, "no open arrivals"),
        (Plan(executor="ramping-arrival-rate", stages=[]), 1, 1, "no open arrivals"),
        (Plan(executor="websocket", users=1), 1, 1, "it speaks no WebSocket"),
        (Plan(executor="stream", users=1), 1, 1, "when the parts of an answer come"),
        (Plan(executor="upload", users=1), 1, 1, "sends a body at once"),
        (
            Plan(executor="ramping", stages=[Stage(target=1, duration=0.5)]),
            1,
            1,
            "Locust changes its users once a second, and a stage lasts 0.5 s",
        ),
    ],
)
def test_what_locust_cannot_do_is_refused(plan: Plan, processes: int, servers: int, reason: str) -> None:
    said = obstacle(plan, processes, servers)
    assert reason in said
    assert bool(reason) == bool(said)


class Site(ThreadingHTTPServer):
    """Counts what reaches it."""

    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: Counter[tuple[str, str, str, str]] = Counter()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        site.seen[self.command, self.path, body, self.headers["x-user"] or ""] += 1
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.real
def test_two_processes_send_a_burst_of_exactly_so_many(tmp_path: Path) -> None:
    plan = Plan(
        executor="burst",
        requests=31,
        concurrency=4,
        max_duration=30,
        variables={
            "id": Variable(unique=True),
            "n": Variable(sequence=[5, 2]),
            "c": Variable(choice=["a b", 3]),
        },
        mix=[
            RequestSpec(name="get", path="/x/{n}/{c}", headers={"x-user": "u{id}"}),
            RequestSpec(
                name="post", method="POST", path="/{n}", json={"c": "{c}", "t": "-{c}-"}, expect=[201]
            ),
        ],
    )
    file = tmp_path / "mine.py"
    file.write_text(script(plan))
    site = Site()
    serving = threading.Thread(target=site.serve_forever, daemon=True)
    serving.start()
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(file),
        "--host",
        f"http://127.0.0.1:{site.server_port}",
    ]
    with subprocess.Popen(
        [*command, *words(plan, 2), "--json", "--master-bind-host", "127.0.0.1", *_port()],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said, log = process.communicate(timeout=60)
    site.shutdown()
    serving.join()
    site.server_close()
    assert process.returncode == 0, log
    assert sum(site.seen.values()) == 31
    # One document a process; the master has the sums.
    documents = _documents(said)
    assert max(sum(entry["num_requests"] for entry in document) for document in documents) == 31
    assert not any(entry["num_failures"] for document in documents for entry in document)
    paths = [path for _, path, _, _ in site.seen.elements()]
    numbers = sorted(int(path.split("/")[2 if path.startswith("/x") else 1]) for path in paths)
    assert len(set(numbers)) == 31
    assert all(number % 2 == 1 and number >= 5 for number in numbers)
    for (method, path, body, user), _ in site.seen.items():
        if method == "GET":
            assert path.split("/")[3] in ("a%20b", "3")
            assert user in ("u0", "u1", "u2", "u3")
        else:
            assert json.loads(body) in ({"c": "a b", "t": "-a b-"}, {"c": 3, "t": "-3-"})


def _port() -> list[str]:
    """Give the options for a port of its own, so that tests side by side do not meet."""
    from looplab.locust.launch import free_port

    port = str(free_port("127.0.0.1"))
    return ["--master-bind-port", port, "--master-port", port]


def _documents(text: str) -> list[list[dict[str, Any]]]:
    decoder = json.JSONDecoder()
    found, at = [], 0
    while (at := text.find("[", at)) >= 0:
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found
