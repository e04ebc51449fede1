"""What is printed for other load generators, typed into a shell whose tools note how they were called."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from looplab.lab import Selection
from looplab.locust.script import script
from looplab.report.bench import select
from looplab.report.equivalents import URL, equivalents, explain
from looplab.report.tools import Equivalent
from looplab.scenario import find
from looplab.traffic.plan import Plan, RequestSpec, Stage, Variable

NOTE = """#!/bin/sh
{ basename "$0"; printf '%s\\n' "$@"; } > called
"""


PLANS = {
    "burst": Plan(executor="burst", requests=300, concurrency=10, max_duration=5),
    "constant": Plan(executor="constant", users=4, think=0.2, duration=2.5),
    "ramping": Plan(executor="ramping", start=1, stages=[Stage(target=9, duration=5)]),
    "arrival-rate": Plan(executor="arrival-rate", rate=200, duration=3, connections=20, arrivals="poisson"),
    "ramping-arrival-rate": Plan(
        executor="ramping-arrival-rate",
        start=2.5,
        stages=[Stage(target=10, duration=0), Stage(target=20, duration=1)],
    ),
    "websocket": Plan(executor="websocket", users=50, duration=4, path="/ws", open_rate=25, interval=0.5),
    "stream": Plan(executor="stream", users=3, duration=2),
    "upload": Plan(executor="upload", users=3, duration=2, body_bytes=1000, chunk_bytes=10),
}


def of(plan: Plan) -> dict[str, Equivalent]:
    return {found.tool: found for found in equivalents(plan, URL, "mine")}


class Shell:
    """Types a script into a shell in which every tool only notes its arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tools = folder / "bin"
        self._tools.mkdir()
        for name in ("wrk", "ab", "oha", "k6", "locust"):
            (self._tools / name).write_text(NOTE)
            (self._tools / name).chmod(0o755)

    def __call__(self, script: str) -> list[str]:
        path = f"{self._tools}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["sh", "-e"], input=script, text=True, check=True, cwd=self.folder, env={"PATH": path})
        return (self.folder / "called").read_text().splitlines()


@pytest.fixture
def typed(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_burst_is_a_number_of_requests_at_once(typed: Shell) -> None:
    found = of(PLANS["burst"])
    assert typed(found["ab"].script) == [
        *("ab", "-l", "-q", "-r", "-k", "-t", "5", "-n", "300", "-c", "10", "-s", "60"),
        f"{URL}/",
    ]
    assert typed(found["oha"].script)[-5:] == ["-n", "300", "-c", "10", f"{URL}/"]
    assert typed(found["wrk"].script)[:4] == ["wrk", "-t1", "-c10", "-d5s"]
    assert "wrk ends by time" in found["wrk"].notes[0]
    assert k6_options(found)["scenarios"]["looplab"] == {
        "executor": "shared-iterations",
        "vus": 10,
        "iterations": 300,
        "maxDuration": "5s",
        "gracefulStop": "0s",
    }


def test_a_constant_plan_is_a_time(typed: Shell) -> None:
    found = of(PLANS["constant"])
    assert typed(found["ab"].script)[5:9] == ["-t", "3", "-n", "250000"]
    assert typed(found["oha"].script)[-5:] == ["-z", "2500ms", "-c", "4", f"{URL}/"]
    assert typed(found["wrk"].script) == [
        *("wrk", "-t1", "-c4", "-d3s", "--timeout", "60s", "--latency", "-s", "mine.lua"),
        f"{URL}/",
    ]
    assert "function delay() return 200 end" in found["wrk"].script
    assert "  sleep(0.2);" in found["k6"].script
    assert any("no think time" in note for note in found["ab"].notes)
    assert k6_options(found)["scenarios"]["looplab"]["executor"] == "constant-vus"


def test_an_open_plan_is_for_those_that_have_a_schedule(typed: Shell) -> None:
    found = of(PLANS["arrival-rate"])
    assert not found["wrk"].script
    assert not found["ab"].script
    words = typed(found["oha"].script)
    assert words[words.index("-q") + 1] == "200"
    assert words[words.index("-c") + 1] == "20"
    assert "--latency-correction" in words
    scenario = k6_options(found)["scenarios"]["looplab"]
    assert (scenario["executor"], scenario["rate"], scenario["timeUnit"]) == (
        "constant-arrival-rate",
        200,
        "1s",
    )
    assert (scenario["preAllocatedVUs"], scenario["maxVUs"]) == (20, 20)
    assert any("Poisson" in note for note in found["k6"].notes)


def test_stages_are_those_of_k6() -> None:
    found = of(PLANS["ramping-arrival-rate"])
    assert [tool for tool, one in found.items() if one.script] == ["k6"]
    scenario = k6_options(found)["scenarios"]["looplab"]
    # 2.5 a second is 5 in two seconds, and so is all that follows.
    assert (scenario["startRate"], scenario["timeUnit"]) == (5, "2s")
    assert scenario["stages"] == [{"duration": "0s", "target": 20}, {"duration": "1s", "target": 40}]
    users = k6_options(of(PLANS["ramping"]))["scenarios"]["looplab"]
    assert (users["executor"], users["startVUs"]) == ("ramping-vus", 1)
    assert users["stages"] == [{"duration": "5s", "target": 9}]


def test_a_websocket_is_opened_at_its_rate_and_speaks() -> None:
    found = of(PLANS["websocket"])
    assert [tool for tool, one in found.items() if one.script] == ["k6"]
    script = found["k6"].script
    assert 'new WebSocket("ws://127.0.0.1:8000/ws")' in script
    assert "* 1000) / 25;" in script
    assert "socket.send(String(Date.now())), 500)" in script
    assert k6_options(found)["scenarios"]["looplab"]["vus"] == 50


def test_a_locustfile_talks_to_the_server_and_is_what_the_engine_runs(typed: Shell) -> None:
    found = of(PLANS["ramping"])["locust"]
    assert typed(found.script) == ["locust", "-f", "mine.py", "--headless", "--stop-timeout", "60"]
    written = (typed.folder / "mine.py").read_text()
    assert written == found.content == script(PLANS["ramping"], host=URL)
    assert f'host = "{URL}"' in written
    assert any("a ramp is a staircase" in note for note in found.notes)


@pytest.mark.parametrize("executor", PLANS)
def test_every_tool_has_a_command_or_says_why_it_cannot(executor: str) -> None:
    for tool, found in of(PLANS[executor]).items():
        assert found.script or found.notes, tool
        assert found.script.rstrip().splitlines()[-1].startswith(tool) if found.script else True


def k6_options(found: dict[str, Equivalent]) -> dict[str, object]:
    text = found["k6"].script.partition("export const options = ")[2].partition(";\n")[0]
    options = json.loads(text)
    assert isinstance(options, dict)
    return options


BODY = RequestSpec(
    method="PUT",
    path="/a?b='c'&d=$HOME",
    headers={"x-one": 'a "b" `c`'},
    json={"text": "it's"},
    expect=[201, 409],
)


def test_a_request_reaches_the_tool_as_it_is(typed: Shell) -> None:
    plan = Plan(executor="burst", requests=2, concurrency=1, keep_alive=False, mix=[BODY])
    found = of(plan)
    words = typed(found["ab"].script)
    assert words[-1] == f"{URL}{BODY.path}"
    assert "-k" not in words
    assert words[words.index("-H") + 1] == 'x-one: a "b" `c`'
    assert words[words.index("-T") + 1] == "application/json"
    assert (typed.folder / words[words.index("-u") + 1]).read_text() == '{"text": "it\'s"}'
    words = typed(found["oha"].script)
    assert words[words.index("-d") + 1] == '{"text": "it\'s"}'
    assert words[words.index("-m") + 1] == "PUT"
    assert "--disable-keepalive" in words
    assert typed(found["wrk"].script)[-1] == f"{URL}/"
    lua = (typed.folder / "mine.lua").read_text()
    assert '"PUT", "/a?b=\'c\'&d=$HOME"' in lua
    assert r'["x-one"] = "a \"b\" `c`"' in lua
    assert '["connection"] = "close"' in lua
    assert r'"{\"text\": \"it' in lua
    assert typed(found["k6"].script) == ["k6", "run", "mine.js"]
    script = (typed.folder / "mine.js").read_text()
    assert 'http.request("PUT", "http://127.0.0.1:8000/a?b=\'c\'&d=$HOME"' in script
    assert "http.expectedStatuses(201, 409)" in script
    assert '"noConnectionReuse": true' in script


def test_a_mix_has_its_weights(typed: Shell) -> None:
    mix = [RequestSpec(name="a", path="/a", weight=3), RequestSpec(name="b", path="/b", weight=0.5)]
    found = of(Plan(executor="constant", users=2, duration=1, mix=mix))
    assert not found["ab"].script
    assert typed(found["oha"].script)[-2:] == ["--urls-from-file", "mine.urls"]
    urls = (typed.folder / "mine.urls").read_text().split()
    assert urls == [f"{URL}/a"] * 6 + [f"{URL}/b"]
    assert "if at < 3 then" in found["wrk"].script
    assert "math.random() * 3.5" in found["wrk"].script
    assert "  [0.5, (v) =>" in found["k6"].script


def test_variables_are_drawn_where_a_script_can() -> None:
    variables = {
        "id": Variable(range=[1, 3]),
        "word": Variable(choice=["a b", 'ü"q', 7]),
        "n": Variable(sequence=[10, 5]),
        "me": Variable(unique=True),
    }
    spec = RequestSpec(path="/{id}", headers={"x-me": "u{me}"}, json={"n": "{n}", "text": "say {word}"})
    found = of(Plan(executor="constant", users=2, duration=1, mix=[spec], variables=variables))
    assert not found["ab"].script
    assert not found["oha"].script
    lua, js = found["wrk"].script, found["k6"].script
    assert '["id"] = math.random(1, 3)' in lua
    assert r'["word"] = ({"a b", "\195\188\"q", 7})[math.random(3)]' in lua
    assert '["n"] = 10 + 5 * count' in lua
    assert '"/" .. encode(v["id"])' in lua
    assert "local function encode" in lua
    assert 'say " .. inside(v["word"])' in lua
    assert '"n": 10 + 5 * exec.scenario.iterationInTest' in js
    assert '"me": exec.vu.idInTest - 1' in js
    assert '"u" + String(v["me"])' in js
    assert 'JSON.stringify(v["n"])' in js


def selections(scenario: str, *variants: str) -> list[Selection]:
    return select([find(scenario)], list(variants), {"delay": "0.2"} if scenario == "one-keyword" else {})


def test_it_says_how_to_start_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    (chosen,) = selections("one-keyword", "async-await")
    monkeypatch.chdir(chosen.scenario.folder.parent)
    lines = explain([chosen]).splitlines()
    assert lines[0] == "one-keyword › async-await"
    assert lines[4] == (
        "  cd one-keyword && LAB_DELAY=0.2 python -m uvicorn --port 8000 --workers 1 --loop auto"
        " --no-access-log app:async_await"
    )
    tools = ["wrk", "ab", "oha", "k6", "locust"]
    assert [line for line in lines if line in tools] == tools
    assert not any(line != line.rstrip() for line in lines)


def test_phases_have_commands_of_their_own() -> None:
    (chosen,) = selections("hello", "def")
    plan = Plan(
        executor="constant",
        phases=[
            Plan(executor="constant", users=1, duration=1, name="calm", warmup=2),
            Plan(executor="constant", users=9, duration=1),
        ],
    )
    text = explain([Selection(scenario=chosen.scenario, variant=chosen.variant, knobs={}, plan=plan)])
    assert "\nphase 1: calm\n" in text
    assert "\nphase 2: phase 2\n" in text
    assert text.count("\nwrk\n") == 2
    assert text.count("Run each for 2 s first") == 1
    assert "hello-def-2.js" in text
