"""What pytest sees: the fixture and the marker `loop_watch`, its option, and where the notes are told."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from looplab.pytest_plugin import watch

OPTION = "loop_watch_max_stall_ms"

SECTION = "loop_watch"
"""Title of the notes in a report."""

MARKER = (
    "loop_watch(max_stall_ms=50): fail the test if anything holds an event loop of it for longer; "
    "setup and teardown are not watched (looplab)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name the option."""
    text = "Longest time in milliseconds for which loop_watch lets anything hold the event loop."
    parser.addini(OPTION, text, default=f"{watch.SHORTEST_MS:g}")


def pytest_configure(config: pytest.Config) -> None:
    """Read the option, so that a wrong value is told before the first test."""
    config.addinivalue_line("markers", MARKER)
    text = config.getini(OPTION)
    try:
        most = watch.LoopWatch(float(text)).max_stall_ms
    except ValueError:
        raise pytest.UsageError(
            f"{OPTION}: expected milliseconds, {watch.SHORTEST_MS:g} or more, got {text!r}"
        ) from None
    own = watch.Defaults(most, str(config.rootpath))
    watch.defaults.append(own)
    config.add_cleanup(lambda: watch.defaults.remove(own))


@pytest.fixture
def loop_watch() -> Callable[..., watch.LoopWatch]:
    """Fail the test if what a `with` of it encloses holds an event loop for too long (looplab)."""
    return watch.loop_watch


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Watch a test that has the marker."""
    marker = item.get_closest_marker("loop_watch")
    if marker is None:
        return (yield)
    one = _watch(marker)
    one.begin()
    try:
        result = yield
    except BaseException as error:
        if text := one.end():
            error.add_note(text)
        raise
    if text := one.end():
        pytest.fail(text, pytrace=False)
    return result


def _watch(marker: pytest.Mark) -> watch.LoopWatch:
    try:
        return watch.loop_watch(*marker.args, **marker.kwargs)
    except (TypeError, ValueError) as error:
        wrong = str(error)
    pytest.fail(f"marker loop_watch: {wrong}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put into the report what the watches of the test have seen that is no failure."""
    report = yield
    if watch.untold:
        report.sections.append((SECTION, "\n".join(watch.untold)))
        watch.untold.clear()
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell all of that at the end: the reports of tests that pass are not shown."""
    lines = [
        f"{report.nodeid}: {line}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        for title, text in report.sections
        if title == SECTION
        for line in text.splitlines()
    ]
    if lines:
        terminalreporter.section("loop_watch: no failures")
        for line in lines:
            terminalreporter.line(line)
