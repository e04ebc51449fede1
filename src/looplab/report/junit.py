"""A gate as JUnit XML, which GitLab, Jenkins and the report actions of GitHub read: a test case a limit."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .gate_text import figure
from .tries import FAILS, HOLDS

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have."""


def as_xml(report: Mapping[str, Any], began: datetime) -> str:
    """Write the report of `gate`.

    A limit that fails is a failure, with the guilty lines as its text; one that could not be judged is an
    error: neither can pass for a test that was left out.

    Args:
        report: of `gate`.
        began: when the gate began.
    """
    checks = report["checks"]
    failures = sum(check["status"] == FAILS for check in checks)
    errors = len(checks) - failures - sum(check["status"] == HOLDS for check in checks)
    seconds = sum(run["duration_s"] for run in report["runs"])
    top, suite = _suite(report["app"], began, (len(checks), failures, errors), seconds)
    properties = ET.SubElement(suite, "properties")
    for name, value in _figures(report):
        ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    for check in checks:
        _case(suite, report, check, seconds / len(checks))
    if report["notes"]:
        ET.SubElement(suite, "system-out").text = _clean("\n".join(report["notes"]))
    return _written(top)


def not_run(app: str, reason: str, log: Sequence[str], began: datetime) -> str:
    """Write that an app did not start or did not last: no limit was tested.

    Args:
        app: `module:attribute`.
        reason: one sentence.
        log: the last lines of the server's output.
        began: when the gate began.
    """
    top, suite = _suite(app, began, (1, 0, 1), 0.0)
    case = ET.SubElement(
        suite, "testcase", {"name": "the app runs", "classname": _class(app), "time": f"{0.0:.3f}"}
    )
    error = ET.SubElement(case, "error", {"message": _clean(reason), "type": "not run"})
    error.text = _clean("\n".join([reason, *log]))
    return _written(top)


def _suite(
    app: str, began: datetime, numbers: tuple[int, int, int], seconds: float
) -> tuple[ET.Element, ET.Element]:
    """Begin a document with one suite of so many tests, failures and errors."""
    tests, failures, errors = numbers
    counts = {"tests": str(tests), "failures": str(failures), "errors": str(errors)}
    time = f"{seconds:.3f}"
    top = ET.Element("testsuites", {"name": "looplab gate", **counts, "time": time})
    when = began.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    about = {"name": f"looplab gate {app}", **counts, "skipped": "0", "time": time, "timestamp": when}
    return top, ET.SubElement(top, "testsuite", about)


def _class(app: str) -> str:
    return f"looplab.{app.replace(':', '.')}"


def _written(top: ET.Element) -> str:
    ET.indent(top)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(top, encoding="unicode")}\n'


def _case(suite: ET.Element, report: Mapping[str, Any], check: Mapping[str, Any], seconds: float) -> None:
    limit = f"{check['name']} {figure(check['limit'], check['unit'])}"
    attributes = {"name": limit, "classname": _class(report["app"])}
    case = ET.SubElement(suite, "testcase", {**attributes, "time": f"{seconds:.3f}"})
    if check["status"] == HOLDS:
        ET.SubElement(case, "system-out").text = _clean(check["text"])
        return
    kind = "failure" if check["status"] == FAILS else "error"
    word = {"message": _clean(check["text"]), "type": "limit" if kind == "failure" else check["status"]}
    ET.SubElement(case, kind, word).text = _clean(check["detail"] or check["text"])


def _figures(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the figures of the last run, by their names in the JSON."""
    run = report["runs"][-1]
    yield "looplab", report["looplab"]
    yield "server", report["server"]
    yield "runs", str(len(report["runs"]))
    for name in ("requests", "ok", "rps", "duration_s", "unfinished", "dropped_events"):
        if run[name] is not None:
            yield name, str(run[name])
    for name, value in run["latency_ms"]["service"].items():
        if value is not None:
            yield f"latency_ms.service.{name}", str(value)
    for loop in run["loops"]:
        if (p99 := loop["lag_ms"]["p99"]) is not None:
            yield f"loops.{loop['worker']}.lag_ms.p99", str(p99)
        yield f"loops.{loop['worker']}.stalls_total", str(loop["stalls_total"])
    for check in report["checks"]:
        if check["measured"] is not None:
            yield check["name"], str(check["measured"])


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
