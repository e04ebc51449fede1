"""Scripts of other load generators, for people who have their own rig."""

from __future__ import annotations

import ast

import pytest
from msgspec.structs import replace

from looplab.lab import Selection
from looplab.report.bench import select
from looplab.report.scripts import write
from looplab.scenario import ScenarioError, find
from looplab.traffic.plan import Plan, RequestSpec

URL = "http://127.0.0.1:8000"


def chosen(plan: Plan | None = None, variant: str = "def") -> Selection:
    (selection,) = select([find("hello")], [variant], {"duration": "3"})
    return selection if plan is None else replace(selection, plan=plan)


def test_a_script_says_whose_it_is_and_what_it_does_not_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(chosen().scenario.folder.parent)
    plan = Plan(executor="constant", users=3, duration=2.5, warmup=1.0)
    text, notes = write(chosen(plan), "locust", URL, "mine.py")
    lines = text.splitlines()
    assert lines[:2] == [
        "# Traffic of looplab: hello › def",
        "# Run it with: locust -f mine.py --headless --users 3 --spawn-rate 3 --run-time 4s",
    ]
    assert lines[2].startswith("# Its server: cd hello && python -m uvicorn --port 8000")
    assert "the plan has a warm-up of 1 s before it, and leaves it out of its figures" in notes
    assert [f"# {note}" for note in notes] == lines[3 : 3 + len(notes)]
    assert "looplab" not in text.partition("\n\n")[2]
    ast.parse(text)


def test_each_tool_has_its_own_kind_of_file() -> None:
    js, _ = write(chosen(), "k6", URL)
    assert js.startswith("// Traffic of looplab: hello › def\n// Run it with: k6 run hello-def.js\n")
    assert "\nimport http from 'k6/http';\n" in js
    for tool in ("wrk", "oha", "ab"):
        text, _ = write(chosen(), tool, "http://127.0.0.1:9000")
        assert text.startswith("#!/bin/sh\n# Traffic of looplab: hello › def\n")
        assert f"\n{tool} " in text
        assert text.endswith("http://127.0.0.1:9000/\n")
        assert "uvicorn --port 9000 " in text
        assert "Its server" not in write(chosen(), tool, "https://example.com")[0]


@pytest.mark.parametrize(
    ("plan", "tool", "reason"),
    [
        (
            Plan(executor="arrival-rate", rate=5, duration=1),
            "locust",
            "hello › def: not possible with locust: Locust cannot make arrival-rate traffic: its users wait"
            " for an answer before they ask again, so it has no open arrivals",
        ),
        (
            Plan(executor="constant", users=1, mix=[RequestSpec(), RequestSpec(path="/b")]),
            "ab",
            "hello › def: not possible with ab: ab asks for one URL, and the mix has several",
        ),
        (
            Plan(executor="constant", phases=[Plan(executor="constant"), Plan(executor="burst")]),
            "k6",
            "hello › def: its traffic has 2 phases, and a script is one plan",
        ),
    ],
)
def test_what_a_tool_cannot_make_is_refused(plan: Plan, tool: str, reason: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        write(chosen(plan), tool, URL)
    assert str(refused.value) == reason


def test_the_engine_refuses_traffic_that_locust_cannot_make() -> None:
    from looplab.traffic.plan import Locust

    (selection,) = select([find("hello")], ["def"], {}, 2, Locust())
    assert (selection.generators, selection.engine) == (2, Locust())
    with pytest.raises(ScenarioError, match=r"websockets › .*: Locust cannot make websocket traffic"):
        select([find("websockets")], [], {}, 1, Locust())
