"""A lab whose runs need services: what goes wrong with one is an error of the run, not the end of the lab."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from services_help import free_port

from looplab.lab import Lab, Selection
from looplab.report.runner import RunError, run
from looplab.scenario import knob_values, load, plan_for
from looplab.services import address
from looplab.services.failure import ServiceFailed

pytestmark = pytest.mark.real

SCENARIO = """\
title = "Test"
question = "Does it run?"

[knobs.delay]
default = 0.001
min = 0.0
max = 60.0
step = 0.1

[knobs.own]
default = 1
min = 0
max = 9
step = 1

[[variants]]
id = "both"
title = "a database and an upstream"
app = "app:app"
loop = "asyncio"
shows = "ask"

[services]
postgres = true
upstream = {latency = "delay"}

[traffic]
executor = "constant"
users = 1
think = "20ms"

[[traffic.mix]]
expect = [200]
"""

APP = """\
import os

import asyncpg
import httpx
from fastapi import FastAPI

own = os.environ["LAB_OWN"]
app = FastAPI()


@app.get("/")
async def ask():
    connection = await asyncpg.connect(os.environ["LAB_POSTGRES"])
    books = await connection.fetchval("SELECT count(*) FROM books")
    await connection.close()
    async with httpx.AsyncClient() as client:
        waited = (await client.get(os.environ["LAB_UPSTREAM"])).json()["waited"]
    print(f"books {books} waited {waited}", flush=True)
"""

Wait = Callable[..., None]


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    lab.open()
    yield lab
    lab.close()


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    folder = tmp_path / "scenario"
    folder.mkdir()
    (folder / "scenario.toml").write_text(SCENARIO)
    (folder / "app.py").write_text(APP)
    return folder


def selection(scenario: Path, **knobs: float) -> Selection:
    loaded = load(scenario)
    values = knob_values(loaded, knobs)
    variant = loaded.variants[0]
    return Selection(scenario=loaded, variant=variant, knobs=values, plan=plan_for(loaded, variant, {}))


def said(lab: Lab, part: str) -> Callable[[], bool]:
    """Look for words in the log of the present run."""

    def look() -> bool:
        lab.drain(10**9)
        return any(part in notice.text for notice in lab.model.notices)

    return look


def failed(lab: Lab) -> Callable[[], bool]:
    def look() -> bool:
        lab.drain(10**9)
        return lab.model.server is not None and lab.model.server.state == "failed"

    return look


def test_the_app_gets_the_addresses_and_the_knobs(lab: Lab, scenario: Path, until: Wait) -> None:
    lab.start(selection(scenario))
    until(said(lab, "books 10000 waited 0.001"), "an answer")


def test_a_knob_of_a_service_is_turned_without_another_server(lab: Lab, scenario: Path, until: Wait) -> None:
    lab.start(selection(scenario))
    until(said(lab, "waited 0.001"), "an answer")
    assert lab.model.server is not None
    assert lab.model.run is not None
    number, pid = lab.model.run.run, lab.model.server.pid

    lab.start(selection(scenario, delay=0.002))
    until(said(lab, "waited 0.002"), "an answer that took longer")
    assert (lab.model.run.run, lab.model.server.pid) == (number, pid)

    lab.start(selection(scenario, delay=0.002, own=2))
    until(lambda: said(lab, "waited 0.002")() and lab.model.server.pid != pid, "another server")
    assert lab.model.run.run == number + 1


def test_a_server_that_is_not_there_fails_the_run_and_the_next_one_is_good(
    lab: Lab, scenario: Path, until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(address.URL, f"postgresql://me:secret@127.0.0.1:{free_port()}/mine")
    lab.start(selection(scenario))
    until(failed(lab), "a failed run")
    assert lab.model.server is not None
    assert lab.model.server.reason.startswith("no PostgreSQL answers at postgresql://me:…@127.0.0.1:")
    assert lab.model.server.reason.endswith("start it, or unset LOOPLAB_POSTGRES_URL to use the embedded one")

    monkeypatch.delenv(address.URL)
    lab.start_traffic()
    until(said(lab, "books 10000"), "an answer")


def test_a_database_that_dies_is_an_error_of_the_run_and_comes_back(
    lab: Lab, scenario: Path, until: Wait
) -> None:
    lab.start(selection(scenario))
    until(said(lab, "books 10000"), "an answer")
    server = lab._conductor._services._postgres
    assert server is not None

    os.kill(server.pid, signal.SIGKILL)

    until(said(lab, "the embedded PostgreSQL was killed by SIGKILL"), "a word about it")
    until(lambda: said(lab, "")() and lab.model.statistics().errors, "a request that failed")
    assert lab.model.server is not None
    assert lab.model.server.state == "ready"
    before = lab.model.run
    lab.start_traffic()
    until(lambda: said(lab, "books 10000")() and lab.model.run is not before, "an answer again")


FULL = APP.replace("app = FastAPI()\n", "app = FastAPI()\nraise OSError('sorry, too many clients already')\n")


def test_an_app_that_finds_the_database_full_is_explained(lab: Lab, scenario: Path, until: Wait) -> None:
    (scenario / "app.py").write_text(FULL)
    lab.start(selection(scenario))
    until(failed(lab), "a failed run")
    assert lab.model.server is not None
    assert lab.model.server.reason.endswith(
        "too many clients already; PostgreSQL has no free connection; close other programs, "
        "raise its max_connections, or turn the pool down"
    )


FACTS = """
[facts]
written = "SELECT count(*) FROM books"
stock = "SELECT sum(stock) FROM books"

[traffic]
executor = "burst"
requests = 7
concurrency = 2
"""
WRITES = """\
import os

import asyncpg
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def ask():
    connection = await asyncpg.connect(os.environ["LAB_POSTGRES"])
    await connection.execute(
        "INSERT INTO books (title, author, year, pages, stock) VALUES ('A', 'B', 2000, 100, 3)"
    )
    await connection.close()
"""


def with_facts(scenario: Path, facts: str = FACTS) -> Selection:
    (scenario / "scenario.toml").write_text(SCENARIO.partition("\n[traffic]")[0] + facts)
    (scenario / "app.py").write_text(WRITES)
    return selection(scenario)


def test_a_run_has_by_how_much_the_facts_have_changed(lab: Lab, scenario: Path) -> None:
    for _ in range(2):
        result = run(lab, with_facts(scenario), lambda model: None)
        assert result["ok"] == 7
        assert result["facts"] == {"written": 7, "stock": 21}


def test_a_fact_with_a_wrong_query_fails_the_run_before_it_begins(lab: Lab, scenario: Path) -> None:
    with pytest.raises(RunError) as caught:
        run(lab, with_facts(scenario, FACTS.replace("FROM books", "FROM boks", 1)), lambda model: None)
    assert caught.value.reason == (
        '[facts] written: relation "boks" does not exist; correct its SQL in scenario.toml'
    )


def test_a_database_that_does_not_say_the_facts_after_a_run_is_told(
    lab: Lab, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone() -> dict[str, float]:
        raise ServiceFailed("no PostgreSQL answers")

    monkeypatch.setattr(lab._conductor.facts, "change", gone)
    with pytest.raises(RunError, match="no PostgreSQL answers"):
        run(lab, with_facts(scenario), lambda model: None)
