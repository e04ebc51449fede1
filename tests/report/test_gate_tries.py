"""`gate` against a lab that is played: what is asked again, what is not, and what is said and written."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console
from test_bench import Log, PlayedLab, traffic

from looplab.lab import Selection
from looplab.report.bench import select
from looplab.report.gate import NOT_JUDGED, WARMUP_S, gate, warmed
from looplab.report.gate_text import Gate, marks
from looplab.report.junit import as_xml, not_run
from looplab.report.limits import Limits
from looplab.report.tries import FAILS, HOLDS
from looplab.scenario import own_app, own_traffic
from looplab.traffic.plan import Plan
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.events import PROTOCOL, Batch, Event, Hello, LoopSample, Stall

FILE = "app.py"
NONE: tuple[float, str] = (0, "")


def stall(length_ms: float, detail: str, folder: str) -> Stall:
    ended = now_ns() - S // 2
    return Stall(
        number=1,
        began_ns=ended - int(length_ms * MS),
        t_ns=ended,
        ended_ns=ended,
        kind="gc" if detail.startswith("generation") else "blocked",
        rid=7,
        file=f"{folder}/{FILE}",
        line=12,
        function="prices",
        source="return requests.get(url) < \x00]]> 1",
        stack=[
            (f"{folder}/{FILE}", 12, "prices"),
            ("/usr/lib/python3.11/site-packages/requests/api.py", 73, "get"),
        ],
        samples=4,
        detail=detail,
        call="requests.get",
    )


def selected() -> Selection:
    scenario = own_app("main:app", traffic=own_traffic(duration=1))
    return select([scenario], [], {})[0]


class ServedLab(PlayedLab):
    """Plays what a server says, too: as another process than the traffic."""

    def drain(self, budget_ns: int) -> bool:
        events = self._inbox[0] if self._inbox else []
        server = [event for event in events if _is_servers(event)]
        if server:
            self._inbox[0] = [event for event in events if not _is_servers(event)]
        drained = super().drain(budget_ns)
        for event in server:
            self.model.apply(Batch(2, now_ns(), [event]))
        return drained


def _is_servers(event: Event) -> bool:
    return isinstance(event, Stall | LoopSample) or (isinstance(event, Hello) and event.role == "server")


def run(limits: Limits, *stalls: tuple[float, str], ok: int = 9) -> tuple[dict[str, Any], Log, ServedLab]:
    """Gate an app whose n-th run has the n-th stall."""
    left = iter(stalls)
    selection = selected()

    def play(selection: Selection, number: int) -> Iterable[Event]:
        length_ms, detail = next(left)
        began = now_ns() - S + 100 * MS
        yield Hello(PROTOCOL, number, "server", 0, 2, "3.11", "asyncio", [], began, 0)
        yield traffic(0, running=True)
        for n in range(10):
            yield LoopSample(began + n * 50 * MS, 0, MS, n * MS, n, 0, 0)
        if length_ms:
            yield stall(length_ms, detail, str(selection.scenario.folder))
        yield traffic(ok, running=False, ended_ns=now_ns())

    lab, log = ServedLab(play), Log()
    return gate(selection, limits, log, lambda: lab), log, lab


STALL = Limits(max_stall_ms=50)


def tries(report: dict[str, Any]) -> list[bool | None]:
    (check,) = report["checks"]
    return [one["holds"] for one in check["tries"]]


def test_what_holds_is_run_once() -> None:
    report, log, lab = run(STALL, NONE)

    assert (report["status"], tries(report)) == (HOLDS, [True])
    assert log.lines == ["1/1 uvicorn", "9 ok"]
    assert (lab.opened, lab.closed) == (1, 1)


@pytest.mark.parametrize(
    ("stalls", "status", "told"),
    [
        ([(200, "cpu"), NONE], HOLDS, [False, True]),
        ([(200, "cpu"), (150, "cpu"), (120, "cpu")], FAILS, [False, False, False]),
        ([(200, "io")], FAILS, [False]),
        ([(200, "cpu"), (200, "sleep")], FAILS, [False, False]),
        ([(200, "generation 2")], HOLDS, [True]),
    ],
)
def test_what_a_busy_machine_may_have_made_is_asked_again(
    stalls: Sequence[tuple[float, str]], status: str, told: list[bool]
) -> None:
    report, _, lab = run(STALL, *stalls)

    assert (report["status"], tries(report), len(lab.started)) == (status, told, len(stalls))
    assert len(report["runs"]) == len(stalls)


def test_what_has_held_is_not_asked_again() -> None:
    report, _, lab = run(Limits(max_stall_ms=50, max_lag_p99_ms=20), (200, "cpu"), NONE)

    assert [len(check["tries"]) for check in report["checks"]] == [2, 1]
    assert len(lab.started) == 2


def test_nothing_is_asked_again_beside_what_fails_on_any_machine() -> None:
    report, _, lab = run(Limits(max_stall_ms=50, max_lag_p99_ms=0.5), (200, "io"))

    assert [check["status"] for check in report["checks"]] == [FAILS, FAILS]
    assert len(lab.started) == 1


def test_what_no_run_can_judge_is_not_asked_again() -> None:
    report, _, lab = run(Limits(max_p95_ms=100), NONE)

    assert (report["status"], tries(report), len(lab.started)) == (NOT_JUDGED, [None], 1)


def test_a_limit_that_fails_goes_before_one_that_is_not_judged() -> None:
    report, _, _ = run(Limits(max_stall_ms=50, max_p95_ms=100), (200, "io"))

    assert [check["status"] for check in report["checks"]] == [FAILS, NOT_JUDGED]
    assert report["status"] == FAILS


@pytest.mark.parametrize(
    ("plan", "warmup"),
    [
        (Plan(executor="constant", users=3, duration=5), WARMUP_S),
        (Plan(executor="arrival-rate", rate=3, duration=5), WARMUP_S),
        (Plan(executor="constant", users=3, duration=5, warmup=4), 4),
        (Plan(executor="burst", requests=3, concurrency=1), 0),
    ],
)
def test_traffic_is_warmed_up(plan: Plan, warmup: float) -> None:
    assert warmed(plan) == replace(plan, warmup=warmup)


def drawn(report: dict[str, Any], width: int = 80) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(Gate(report))
    return captured.get()


def test_people_read_the_guilty_line() -> None:
    report, _, _ = run(Limits(max_stall_ms=50, max_lag_p99_ms=20, max_p95_ms=100, max_errors=0), (203, "io"))

    lines = [line.rstrip() for line in drawn(report).splitlines()]
    assert lines[:5] == [
        "main:app under uvicorn",
        "■  max-stall    203 ms   of 50 ms  fails",
        "●  max-lag-p99  1.0 ms   of 20 ms  holds",
        "▲  max-p95           –  of 100 ms  not judged",
        "●  max-errors        0       of 0  holds",
    ]
    assert "app.py:12 held the event loop for 203 ms; 50 ms are allowed" in lines
    assert "    requests: api.py:73 in get" in lines
    assert lines[-1] == "2 of 4 limits hold, 1 fail, 1 not judged"


def test_what_held_later_says_what_there_was_before() -> None:
    report, _, _ = run(STALL, (203, "cpu"), NONE)

    text = drawn(report)
    assert "●  max-stall  none  of 50 ms  held at the 2nd try" in text
    assert "max-stall did not hold before: app.py:12 held the event loop for 203 ms" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_of_a_gate_is_wider_than_the_terminal(width: int) -> None:
    report, _, _ = run(Limits(max_stall_ms=50, max_p95_ms=100), (203, "io"))

    assert max(len(line.rstrip()) for line in drawn(report, width).splitlines()) <= width


def test_the_json_is_plain_data() -> None:
    report, _, _ = run(STALL, (203, "io"))

    told = json.loads(json.dumps(report, allow_nan=False))
    assert set(told) == {"looplab", "machine", "app", "server", "folder", "status", "checks", "notes", "runs"}
    (check,) = told["checks"]
    assert set(check) == {
        "name", "limit", "unit", "measured", "status", "holds", "text", "detail", "stalls", "tries",
    }  # fmt: skip
    assert check["stalls"][0]["stack"][-1]["function"] == "get"


TEXT, COUNT, SECONDS = str, int, float
SCHEMA: dict[str, tuple[dict[str, type], set[str]]] = {
    "testsuites": (
        {"name": TEXT, "tests": COUNT, "failures": COUNT, "errors": COUNT, "time": SECONDS},
        {"testsuite"},
    ),
    "testsuite": (
        {
            "name": TEXT,
            "tests": COUNT,
            "failures": COUNT,
            "errors": COUNT,
            "skipped": COUNT,
            "time": SECONDS,
            "timestamp": TEXT,
        },
        {"properties", "testcase", "system-out"},
    ),
    "properties": ({}, {"property"}),
    "property": ({"name": TEXT, "value": TEXT}, set()),
    "testcase": (
        {"name": TEXT, "classname": TEXT, "time": SECONDS},
        {"failure", "error", "system-out"},
    ),
    "failure": ({"message": TEXT, "type": TEXT}, set()),
    "error": ({"message": TEXT, "type": TEXT}, set()),
    "system-out": ({}, set()),
}
"""What Jenkins' xUnit plugin, the strictest reader, lets pass: attributes by their types, and children."""


def conforms(element: ET.Element) -> None:
    attributes, children = SCHEMA[element.tag]
    assert set(element.attrib) == set(attributes), element.tag
    for name, value in element.attrib.items():
        attributes[name](value)
    for child in element:
        assert child.tag in children, f"{child.tag} in {element.tag}"
        conforms(child)


def xml(report: dict[str, Any]) -> ET.Element:
    root = ET.fromstring(as_xml(report, datetime(2026, 11, 21, 21, 0, tzinfo=UTC)).encode())
    conforms(root)
    return root


def test_the_xml_has_a_case_for_each_limit() -> None:
    report, _, _ = run(Limits(max_stall_ms=50, max_lag_p99_ms=20, max_p95_ms=100), (203, "io"))
    (suite,) = xml(report)

    assert {name: suite.attrib[name] for name in ("name", "tests", "failures", "errors", "timestamp")} == {
        "name": "looplab gate main:app",
        "tests": "3",
        "failures": "1",
        "errors": "1",
        "timestamp": "2026-11-21T21:00:00",
    }
    failed, held, unknown = suite.iter("testcase")
    assert failed.attrib["name"] == "max-stall 50 ms"
    (failure,) = failed
    assert failure.attrib["message"] == "app.py:12 held the event loop for 203 ms; 50 ms are allowed"
    assert "  > return requests.get(url) < \ufffd]]> 1" in (failure.text or "")
    assert "requests: api.py:73 in get" in (failure.text or "")
    assert [child.tag for child in held] == ["system-out"]
    assert [child.tag for child in unknown] == ["error"]
    figures = {entry.attrib["name"]: entry.attrib["value"] for entry in suite.iter("property")}
    assert (figures["requests"], figures["max-stall"], figures["runs"]) == ("9", "203.0", "1")


def test_an_app_that_does_not_run_is_an_error_in_the_xml() -> None:
    text = not_run("main:app", "it exited with status 1", ["ImportError: <shop>\x1b"], datetime.now(UTC))
    root = ET.fromstring(text.encode())
    conforms(root)

    (error,) = root.iter("error")
    assert (error.attrib["message"], error.text) == (
        "it exited with status 1",
        "it exited with status 1\nImportError: <shop>\ufffd",
    )
    assert root.attrib["errors"] == "1"


def test_what_is_nobodys_fault_is_in_the_xml() -> None:
    report, _, _ = run(STALL, (203, "generation 2"))
    (suite,) = xml(report)

    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("0", "0")
    assert "a garbage collection (generation 2)" in (suite.findtext("system-out") or "")


def test_a_line_of_a_pull_request_is_marked() -> None:
    report, _, _ = run(STALL, (203, "io"))
    folder = report["folder"]
    above = folder.rpartition("/")[0]

    (mark,) = marks(report, folder)
    (within,) = marks(report, above)

    assert mark.startswith(
        "::error file=app.py,line=12,title=looplab gate::held the event loop for 203 ms in "
    )
    assert within.startswith(f"::error file={folder.removeprefix(above + '/')}/app.py,line=12,")
    assert not [*marks(run(STALL, NONE)[0], folder)]
