"""The plugin as those meet it who have installed looplab: runs of pytest with tests that hold their loop."""

from __future__ import annotations

import runpy
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from looplab.pytest_plugin import plugin

pytest_plugins = ["pytester"]

HELD = """
import asyncio
import time

import pytest

async def held():
    time.sleep(0.5)

async def free():
    await asyncio.sleep(0)
"""


def run(pytester: pytest.Pytester, tests: str, *arguments: str, ini: str = "") -> pytest.RunResult:
    """Run tests in this process; what the suite around them sets does not reach them."""
    pytester.makeini(
        f"[pytest]\nasyncio_mode = strict\nasyncio_default_fixture_loop_scope = function\n{ini}\n"
    )
    pytester.makepyfile(test_shop=HELD + tests)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "--strict-markers", *arguments)


def test_the_marker_watches_a_whole_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        @pytest.mark.loop_watch
        def test_run():
            asyncio.run(held())

        @pytest.mark.loop_watch(max_stall_ms=60_000)
        def test_more():
            asyncio.run(held())

        @pytest.mark.loop_watch
        @pytest.mark.asyncio
        async def test_asyncio():
            await held()

        @pytest.mark.loop_watch
        @pytest.mark.anyio
        async def test_anyio():
            await held()

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.loop_watch
        @pytest.mark.asyncio
        async def test_free():
            await free()

        def test_without():
            asyncio.run(held())
        """.replace("\n        ", "\n"),
    )

    result.assert_outcomes(passed=3, failed=3)
    for name in ("test_run", "test_asyncio", "test_anyio"):
        result.stdout.fnmatch_lines(
            [
                f"*_ {name} _*",
                "test_shop.py:7 held the event loop for * ms; 50 ms are allowed",
                "  > time.sleep(0.5)",
            ],
            consecutive=False,
        )
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_the_fixture_watches_a_block(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_block(loop_watch):
    asyncio.run(held())
    with loop_watch(max_stall_ms=80):
        asyncio.run(held())

@pytest.mark.asyncio
async def test_within(loop_watch):
    async with loop_watch():
        await held()
""",
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E *LoopBlocked: test_shop.py:7 held the event loop for * ms; 80 ms are allowed",
            "E         > time.sleep(0.5)",
        ]
    )
    result.stdout.no_fnmatch_line("*watch.py*")


def test_a_test_that_fails_by_itself_says_both(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.mark.loop_watch
def test_both():
    asyncio.run(held())
    assert "mine" == "yours"
""",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *assert 'mine' == 'yours'*", "E *test_shop.py:7 held the event loop*"])


def test_the_option_sets_what_is_allowed(pytester: pytest.Pytester) -> None:
    tests = """
@pytest.mark.loop_watch
def test_marked():
    asyncio.run(held())

def test_fixture(loop_watch):
    with loop_watch():
        asyncio.run(held())
"""

    run(pytester, tests, ini="loop_watch_max_stall_ms = 60000").assert_outcomes(passed=2)


@pytest.mark.parametrize("value", ["20", "soon"])
def test_a_wrong_option_is_told_before_the_first_test(pytester: pytest.Pytester, value: str) -> None:
    result = run(pytester, "def test(): pass", ini=f"loop_watch_max_stall_ms = {value}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: loop_watch_max_stall_ms: expected milliseconds, 50 or more, got '{value}'"]
    )


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ("max_stall_ms=5", "max_stall_ms: expected 50 or more, got 5; *"),
        ("80", "*takes 0 positional arguments but 1 was given"),
        ("max_stall=80", "*unexpected keyword argument 'max_stall'*"),
    ],
)
def test_a_wrong_marker_fails_with_one_line(pytester: pytest.Pytester, arguments: str, wrong: str) -> None:
    result = run(pytester, f"@pytest.mark.loop_watch({arguments})\ndef test(): pass\n")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"marker loop_watch: {wrong}"])


def test_the_file_for_ci_has_the_text(pytester: pytest.Pytester) -> None:
    run(pytester, "@pytest.mark.loop_watch\ndef test(): asyncio.run(held())\n", "--junitxml=out.xml")

    failure = ET.parse(pytester.path / "out.xml").find(".//failure")
    assert failure is not None
    assert (failure.text or "").startswith("test_shop.py:7 held the event loop for ")


def test_notes_are_told_at_the_end_also_by_workers(pytester: pytest.Pytester) -> None:
    result = run(pytester, "@pytest.mark.loop_watch\ndef test(): pass\n", "-n", "1")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*= loop_watch: no failures =*",
            "test_shop.py::test: no event loop of asyncio ran in it, so nothing was watched",
        ]
    )


def test_a_run_without_a_watch_loads_nothing() -> None:
    code = (
        "import sys; import pytest; before = set(sys.modules); import looplab.pytest_plugin.plugin;"
        "print(*{name for name in set(sys.modules) - before if not name.startswith('looplab.pytest')})"
    )

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert found.stdout.split() == ["looplab"]


@pytest.mark.parametrize(("version", "hooks"), [((7, 4, 4), False), ((8, 0, 0), True), ((10, 1, 2), True)])
def test_a_pytest_that_is_too_old_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], hooks: bool
) -> None:
    monkeypatch.setattr(pytest, "version_tuple", version)

    names = runpy.run_path(plugin.__file__)

    assert any(name.startswith("pytest_") for name in names) is hooks
    assert ("loop_watch" in names) is hooks


IMPORTS = """
import asyncio, sys
from looplab.pytest_plugin import loop_watch

async def watched():
    with loop_watch():
        before = set(sys.modules)
    print(*set(sys.modules) - before)

asyncio.run(watched())
"""


def test_a_watch_imports_nothing_while_it_watches() -> None:
    """An import holds the loop: a watch would blame itself."""
    found = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, timeout=60, check=True
    )

    assert found.stdout.split() == []
