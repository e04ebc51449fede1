"""`looplab run` without a screen: an app of one's own as it is, and what is said of one that cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.cli.main import run
from looplab.recording import Recording
from looplab.wire.events import Stall

Command = Callable[..., subprocess.CompletedProcess[str]]

APP = """
import json, time

PATHS = {
    "/nap": {"get": {}},
    "/items": {"post": {"requestBody": {}}},
}

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["path"] == "/nap":
        time.sleep(0.06)
    assert scope["method"] == "GET"
    body = json.dumps({"paths": PATHS}).encode() if scope["path"] == "/openapi.json" else b"{}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.mark.real
def test_an_app_is_asked_for_the_routes_that_read_and_its_own_line_is_named(
    looplab: Command, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(APP)
    file = tmp_path / "t" / "run.looplab"
    words = ("run", "shop:app", "--users", "2", "--duration", "1", "--json", "-", "--record", str(file))
    found = looplab(*words, VIRTUAL_ENV="")
    assert found.returncode == 0, found.stderr
    assert "asking for /nap" in found.stderr
    assert f"{file}  " in found.stderr.splitlines()[-1]
    assert any(isinstance(event, Stall) for batch in Recording(file) for event in batch.events)
    [result] = json.loads(found.stdout)["results"]
    assert (result["scenario"], result["variant"]) == ("shop:app", "uvicorn")
    assert not any(result["median"]["errors"].values())
    stalls = result["median"]["loops"][0]["stalls"]
    lines = Counter(stall["line"] for stall in stalls)
    # Where the machine has no CPU for the watchdog, a stall of 60 ms may have no line; never another one.
    assert lines["time.sleep(0.06)"] > lines[""], stalls
    assert set(lines) <= {"time.sleep(0.06)", ""}, stalls
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop.py", "t"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["run"], 2, "missing argument 'MODULE:APP'"),
        (["run", "shop"], 1, '"shop" names no app; expected MODULE:APP'),
        (["run", "shop:ap"], 1, 'shop.py defines no "ap"; did you mean "app"?'),
        (["run", "shop:app", "more"], 2, '"more" is one argument too many; options of the server follow --'),
        (["run", "shop:app", "--", "--port", "80"], 1, "uvicorn cannot have --port here"),
        (["run", "shop:app", "--mix", "GETS /"], 2, "expected [WEIGHT] METHOD PATH [BODY]"),
        (["run", "shop:app", "--rate", "5", "--users", "2"], 2, "there are no users then"),
        (
            ["run", "shop:app", "--traffic", "shop.py", "--get", "/"],
            2,
            "leave --get, --mix and --header away",
        ),
        (["run", "shop:app", "--traffic", "shop.py"], 1, "shop.py: line 2, column"),
        (["run", "shop:app", "--reload", "--workers", "2"], 2, "uvicorn has one worker with --reload"),
        (["run", "shop:app", "--reload", "--server", "gunicorn"], 2, "gunicorn does not reload uvicorn's"),
        (["run", "shop:app", "--record", "shop.py"], 1, "shop.py exists already, and a recording is never"),
        (["run", "shop:app", "--threads", "2"], 2, "--threads is for gunicorn's workers"),
        (["run", "shop:app", "--ready-timeout", "soon"], 2, '"soon" is no duration'),
        (["run", "shop:app", "--set", "delay=1"], 1, 'shop:app has no knob "delay"'),
    ],
)
def test_what_cannot_run_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    status: int,
    words: str,
) -> None:
    (tmp_path / "shop.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setattr(sys, "argv", ["looplab", *arguments])
    with pytest.raises(SystemExit) as end:
        run()
    said = capsys.readouterr().err.splitlines()
    assert end.value.code == status
    assert words in said[-1]
    assert [line for line in said if "without a screen" not in line] == said[-1:]
