"""What a stall called: its mend, the frames above it in a few words, and both in what the model says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from streams import START_NS, stream

from looplab.model import Model, frames
from looplab.model.mends import _TABLE, mend
from looplab.model.stalls import Stalls
from looplab.wire.clock import MS, S
from looplab.wire.events import Stall


@pytest.mark.parametrize(
    ("call", "part"),
    [
        ("time.sleep", "asyncio.sleep"),
        ("requests.get", "httpx.AsyncClient"),
        ("requests.Session.get", "httpx.AsyncClient"),
        ("httpx.Client.get", "httpx.AsyncClient has the same methods"),
        ("httpx.AsyncClient", "loads all certificates"),
        ("psycopg.connect", "psycopg.AsyncConnection"),
        ("psycopg2.extensions.cursor.execute", "asyncpg"),
        ("sqlite3.Connection.execute", "aiosqlite"),
        ("json.loads", "to_process"),
        ("re.Pattern.match", "nested repeats"),
        ("hashlib.pbkdf2_hmac", "to_thread"),
        ("numpy.linalg.svd", "to_thread"),
        ("subprocess.run", "create_subprocess_exec"),
        ("concurrent.futures.Future.result", "wrap_future"),
        ("concurrent.futures.ThreadPoolExecutor", "run_in_executor"),
        ("threading.Lock.acquire", "asyncio"),
        ("import pandas", "import it at the top"),
        ("open", "anyio.open_file"),
    ],
)
def test_a_well_known_call_has_a_mend(call: str, part: str) -> None:
    assert part in mend(call)


@pytest.mark.parametrize(
    "call",
    [
        "",
        "requestsy.get",
        "openpyxl.load_workbook",
        "session.get",
        "httpx.AsyncClient.get",
        "psycopg.AsyncConnection.connect",
        "redis.asyncio.Redis.get",
        "pymongo.asynchronous.collection.AsyncCollection.find_one",
        "grpc.aio.Channel",
        "asyncio.sleep",
    ],
)
def test_what_is_not_known_or_can_be_awaited_has_none(call: str) -> None:
    assert mend(call) == ""


def test_a_thread_is_no_mend_for_what_has_kept_the_gil() -> None:
    assert mend("numpy.linalg.svd", keeps_gil=True) == ""
    assert "to_process" in mend("json.loads", keeps_gil=True)
    assert mend("requests.get", keeps_gil=True) == mend("requests.get")


@pytest.mark.parametrize("name", _TABLE)
def test_a_mend_is_one_line_that_ends(name: str) -> None:
    text = _TABLE[name].text
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) <= 200


@pytest.mark.parametrize(
    ("file", "package"),
    [
        ("/v/lib/python3.12/site-packages/requests/api.py", "requests"),
        ("/v/lib/python3.12/site-packages/six.py", "six"),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", "yaml"),
        ("/usr/lib/python3.13t/json/decoder.py", "json"),
        ("/usr/lib/python3.11/socket.py", "socket"),
        ("<frozen importlib._bootstrap>", "importlib"),
        ("<string>", "string"),
        ("/home/a/shop/app.py", "shop"),
        ("app.py", "app.py"),
    ],
)
def test_a_file_belongs_to_a_package(file: str, package: str) -> None:
    assert frames.package(file) == package


def test_frames_above_a_line_are_told_in_a_few_words() -> None:
    packages = ["a", "a", "b", "c", "d", "e"]
    stack = [("/app.py", 1, "main"), ("/app.py", 3, "f")]
    assert frames.above(stack, "/app.py", 3, "f") == ""
    stack += [(f"/x/site-packages/{name}/m.py", 1, "g") for name in packages]
    assert frames.above(stack, "/app.py", 3, "f") == "6 frames in a, b, c, 2 more"
    assert frames.above(stack[:3], "/app.py", 3, "f") == "1 frame in a"
    assert frames.above(stack, "/other.py", 3, "f") == ""


def called(call: str, cut_s: float = 5.0) -> Model:
    """Play the run of a route whose stalls make a call."""
    model = Model()
    for batch in stream("async-blocking", cut_s=cut_s):
        events = [
            replace(event, call=call, detail="io") if isinstance(event, Stall) else event
            for event in batch.events
        ]
        model.apply(replace(batch, events=events))
    return model


def test_the_result_names_the_call_of_each_stall_and_its_mend() -> None:
    stalls = called("requests.get").result()["loops"][0]["stalls"]
    assert {stall["call"] for stall in stalls} == {"requests.get"}
    assert {stall["mend"] for stall in stalls} == {mend("requests.get")}


def test_the_verdict_names_the_call_where_the_line_does_not_and_says_what_helps() -> None:
    model = called("requests.get", cut_s=0.3)
    now = next(verdict for verdict in model.verdicts(model.now_ns) if verdict.id == "loop-blocked")
    assert now.more[0] == f"requests.get: {mend('requests.get')}"
    past = next(
        verdict
        for verdict in called("requests.get").verdicts(START_NS + 60 * S)
        if verdict.id == "loop-blocked"
    )
    assert " in requests.get" in past.detail
    assert past.more[0] == now.more[0]
    named = next(
        verdict
        for verdict in called("time.sleep").verdicts(START_NS + 60 * S)
        if verdict.id == "loop-blocked"
    )
    assert "time.sleep(delay)" in named.detail
    assert " in time.sleep" not in named.detail


def test_a_place_is_known_by_the_call_of_its_longest_stall() -> None:
    stalls = Stalls(lambda stall: None)
    for number, (length, call) in enumerate([(60, "a.b"), (90, "c.d"), (200, ""), (70, "e.f")], 1):
        began = number * S
        ended = began + length * MS
        stalls.take(Stall(number, began, ended, ended, "blocked", 1, "/f.py", 1, "f", "s", [], 1, "", call))
    (found,) = stalls.places.values()
    assert (found.count, found.call) == (4, "c.d")


def test_what_is_seen_when_the_gil_is_free_again_changes_no_call() -> None:
    stalls = Stalls(lambda stall: None)
    first = Stall(-1, S, S + 100 * MS, 0, "gil", 1, "/f.py", 1, "f", "s", [], 1, "", "json.loads")
    stalls.take(first)
    stalls.take(replace(first, number=1, ended_ns=2 * S, t_ns=2 * S, line=2, detail="at release", call="len"))
    (stall,) = stalls.longest
    assert (stall.place.line, stall.call) == (1, "json.loads")
