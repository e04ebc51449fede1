"""Real servers and real traffic, started from the command line as people and CI start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from looplab.scenario import evaluate, find

pytestmark = pytest.mark.real

Command = Callable[..., subprocess.CompletedProcess[str]]
Until = Callable[..., None]

RUN_KEYS = (
    "requests ok errors never_sent capped unfinished duration_s offered_rps sent_rps rps latency_ms "
    "lateness_ms first_byte_ms gap_ms messages in_flight little by_name loops slots ceiling_rps bottleneck "
    "client_limited client dropped_events verdicts phases timeline turns facts notes"
)


@pytest.fixture(scope="module")
def keyword(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One bench of all four routes; the frozen one is cut after 3 s."""
    folder = tmp_path_factory.mktemp("keyword")
    arguments = [
        "bench",
        "one-keyword",
        "--json",
        "-",
        "--markdown",
        str(folder / "t.md"),
        "--html",
        str(folder / "t.html"),
        "--duration",
        "3",
        "--runs",
        "1",
    ]
    said = subprocess.run(
        [sys.executable, "-m", "looplab", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert said.returncode == 0, said.stderr
    assert said.stderr.count("async-blocking") == 2, "progress is on stderr"
    left = {path.name for path in folder.iterdir()}
    assert left == {"t.md", "t.html"}, "nothing is left in the temporary folder"
    assert (folder / "t.md").read_text().count("\n| one-keyword › ") == 4
    page = (folder / "t.html").read_text()
    assert page.count('<td class="words">one-keyword › ') == 4
    assert "<code>looplab bench one-keyword --json - --markdown " in page
    report: dict[str, Any] = json.loads(said.stdout)
    return report


def test_the_json_is_that_of_the_contract(keyword: dict[str, Any]) -> None:
    assert set(keyword) == {"looplab", "machine", "results", "comparisons"}
    assert [result["variant"] for result in keyword["results"]] == [
        "def-blocking",
        "async-blocking",
        "async-await",
        "async-offload",
    ]
    for result in keyword["results"]:
        run = result["median"]
        assert set(run) == set(RUN_KEYS.split())
        assert set(run["latency_ms"]) == {"service", "response"}
        figures = {"p50", "p90", "p95", "p99", "max", "n"}
        assert set(run["latency_ms"]["service"]) == figures
        assert set(run["latency_ms"]["response"]) == {*figures, "note"}, "a burst has no schedule"
        assert set(run["loops"][0]) == {
            "worker",
            "lag_ms",
            "busy",
            "stalls",
            "stalls_total",
            "starved_total",
            "stalls_by_kind",
            "stalls_by_function",
            "clock_error_ms",
            "host",
        }
        assert set(run["slots"]["threadpool"]) == {
            "total",
            "peak",
            "idle_peak",
            "mean_busy",
            "uses",
            "wait_ms",
            "work_ms",
            "batches",
        }
        assert run["requests"] + run["never_sent"] == 200
        assert run["dropped_events"] == 0


@pytest.mark.parametrize("claim", find("one-keyword").claims, ids=lambda claim: claim.text)
def test_the_claims_of_one_keyword_hold(keyword: dict[str, Any], claim: Any) -> None:
    left, right, holds = evaluate(claim, keyword["results"])
    assert holds, f"{claim.left} = {left:g}, {claim.right} = {right:g}; {_stalls(keyword)}"


def _stalls(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Give the stalls of each variant, without those of a machine that had no CPU: no line is to blame."""
    return {
        result["variant"]: [
            stall
            for loop in result["median"]["loops"]
            for stall in loop["stalls"]
            if stall["kind"] != "starved"
        ]
        for result in report["results"]
    }


def test_only_the_blocking_route_stalls_and_is_named(keyword: dict[str, Any]) -> None:
    source = (find("one-keyword").folder / "app.py").read_text().splitlines()
    stalls = _stalls(keyword)
    blamed = stalls.pop("async-blocking")
    assert stalls == {"def-blocking": [], "async-await": [], "async-offload": []}
    assert {stall["function"] for stall in blamed} == {"wait_on_the_loop"}
    for stall in blamed:
        file, _, line = stall["where"].partition(":")
        assert file == "app.py"
        assert source[int(line) - 1].strip() == "time.sleep(delay)"


ARTICLE = """concurrency = 5

[article]
source = "article X"

[article.traffic]
requests = 30

[article.figures.only]
rps = 123
"""


def test_an_article_is_run_with_its_own_traffic_and_set_beside(
    looplab: Command, mine: Callable[..., Any], tmp_path: Path
) -> None:
    mine(None, ("concurrency = 5\n", ARTICLE))
    said = looplab("bench", "mine", "--runs", "1", "--article", "--json", "report.json", "--markdown", "t.md")
    assert said.returncode == 0, said.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    (entry,) = report["article"]
    (only,) = entry["variants"]
    median = report["results"][0]["median"]
    assert median["requests"] == 30
    assert (only["article"]["rps"], only["here"]["rps"]) == (123, median["rps"])
    for text in (said.stdout, (tmp_path / "t.md").read_text()):
        assert "mine beside article X" in text


def test_without_a_terminal_the_same_scenario_runs_and_ends_in_the_table(looplab: Command) -> None:
    said = looplab("three-users", "--variant", "async-await", "--set", "delay=0.05")
    assert said.returncode == 0, said.stderr
    first = said.stderr.splitlines()[0]
    assert first == "looplab: there is no terminal here, so three-users › async-await runs without a screen"
    assert "three-users › async-await" in said.stdout
    assert "3/0/0" in said.stdout
    assert "fastapi-def" not in said.stdout


def test_a_headless_run_imports_no_textual(environment: dict[str, str]) -> None:
    code = (
        "import sys; from looplab.cli import main\n"
        "sys.argv = ['looplab', 'three-users', '--set', 'delay=0.05']\n"
        "try: main()\nexcept SystemExit: print('textual' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert "3/0/0" in said.stdout
    assert said.stdout.splitlines()[-1] == "False"


def test_one_brings_a_folder_of_ones_own(looplab: Command, mine: Callable[..., Any], until: Until) -> None:
    own = mine()
    arguments = ["--set", "requests=7", "--runs", "2", "--generators", "2", "--json", "out.json"]
    said = looplab("bench", str(own.folder), *arguments)
    assert said.returncode == 0, said.stderr
    (result,) = json.loads((own.folder.parent / "out.json").read_text())["results"]
    assert [(run["ok"], run["client"]["processes"]) for run in result["runs"]] == [(7, 2), (7, 2)]
    assert "mine › only" in said.stdout
    until(own.gone, "the end of the server")


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        ("import not_there_at_all\napp = None\n", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("import os\nos._exit(3)\napp = None\n", "3"),
        ("def app(:\n", "SyntaxError"),
    ],
    ids=["import", "exit", "syntax"],
)
def test_an_app_that_does_not_start_is_told_with_reason_and_log(
    looplab: Command, mine: Callable[..., Any], app: str, reason: str, environment: dict[str, str]
) -> None:
    said = looplab(str(mine(app, ('shows = "read"', "")).folder))
    assert said.returncode == 1
    assert said.stdout == ""
    words = said.stderr[said.stderr.index("looplab: mine") :].splitlines()
    assert words[0].startswith("looplab: mine › only: ")
    assert reason in words[0]
    assert len(words) <= 5
    assert "Traceback" not in said.stderr
    assert "uvicorn" not in said.stderr
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def test_traffic_that_cannot_start_is_told_in_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "looplab", "bench", "hello", "--variant", "async-def"]
    command += ["--set", "users=90"]
    said = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        cwd=tmp_path,
        env=environment,
    )
    assert said.returncode == 1
    assert said.stdout == ""
    complaints = [line for line in said.stderr.splitlines() if "open files" in line]
    assert complaints == [
        "looplab: hello › async-def: 90 users need 122 open files, the limit allows 64:"
        " raise it with `ulimit -n 122` or take at most 32 users"
    ]
    assert said.stderr.splitlines()[-1:] == complaints
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


# A shell ignores SIGINT for its jobs in the background, and whoever runs the tests may be one.
HEARS_SIGINT = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("looplab", run_name="__main__")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_cleanly(
    environment: dict[str, str], mine: Callable[..., Any], until: Until, number: signal.Signals
) -> None:
    own = mine(None, ("requests = 20", "requests = 1000000"))
    bench = subprocess.Popen(
        [sys.executable, "-c", HEARS_SIGINT, "bench", str(own.folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        until(lambda: own.started() or bench.poll() is not None, "the start of the server")
        bench.send_signal(number)
        out, err = bench.communicate(timeout=15)
    finally:
        bench.kill()
        bench.wait()
    assert bench.returncode == 128 + number
    assert out == ""
    assert "Traceback" not in err
    until(own.gone, "the end of the server")
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


OPEN = (
    'executor = "burst"\nrequests = 20\nconcurrency = 5',
    """executor = "arrival-rate"
rate = 40
duration = "1s"
warmup = "500ms"
""",
)


def test_an_open_plan_has_both_latencies_and_leaves_its_warm_up_out(
    looplab: Command, mine: Callable[..., Any], tmp_path: Path
) -> None:
    scenario = mine(None, OPEN)
    said = looplab("bench", str(scenario.folder), "--runs", "1", "--json", str(tmp_path / "run.json"))
    assert said.returncode == 0, said.stderr
    run = json.loads((tmp_path / "run.json").read_text())["results"][0]["median"]
    assert run["requests"] + run["never_sent"] == 40
    assert run["latency_ms"]["service"]["n"] == run["latency_ms"]["response"]["n"] == run["ok"]
    assert "note" not in run["latency_ms"]["response"]
    assert run["lateness_ms"]["n"] == run["requests"]
    warm, phase = run["phases"]
    assert (warm["warmup"], phase["warmup"]) == (True, False)
    assert warm["requests"] + warm["never_sent"] == 20
    assert phase["requests"] == run["requests"]
    for one, rows in ((warm, [0]), (phase, [1])):
        told = [row for row in run["timeline"] if row["phase"] in rows]
        assert sum(round(row["rps"] * row["duration_s"]) for row in told) == one["ok"]
        assert sum(row["service_ms"]["n"] for row in told) == one["ok"]
