"""The command line from outside: what it prints, where, and with which exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import looplab as package
from looplab.cli.group import DEFAULT
from looplab.cli.main import looplab as group
from looplab.cli.main import run
from looplab.lab import Selection
from looplab.model import Model
from looplab.report.bench import as_result
from looplab.report.compare import comparisons
from looplab.report.machine import machine
from looplab.scenario import ORDER, find

Command = Callable[..., subprocess.CompletedProcess[str]]

COMMANDS = sorted(set(group.commands) - {DEFAULT})


def test_help_names_everything(looplab: Command) -> None:
    said = looplab("--help")
    assert said.returncode == 0
    for word in ("[SCENARIO]", "--variant", "--set", "--debug", "--version", *COMMANDS):
        assert word in said.stdout
    assert "_LOOPLAB_COMPLETE=zsh_source" in said.stdout
    assert "open " not in said.stdout, "the default command has no name"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(looplab: Command, command: str) -> None:
    said = looplab(command, "--help")
    assert said.returncode == 0
    assert said.stdout.startswith(f"Usage: looplab {command}")


def test_version(looplab: Command) -> None:
    assert looplab("--version").stdout == f"looplab {package.__version__}\n"


def test_list(looplab: Command) -> None:
    said = looplab("list", "--json")
    assert said.returncode == 0
    assert [entry["id"] for entry in json.loads(said.stdout)] == list(ORDER)
    assert "Same sleep, four routes" in looplab("list").stdout


def test_doctor(looplab: Command) -> None:
    said = looplab("doctor")
    assert said.returncode == 0, said.stdout
    assert "terminal" in said.stdout
    assert "→" in said.stdout, "without a terminal there is a mend to tell"


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["one-keywrd"], 1, 'there is no scenario "one-keywrd"; did you mean "one-keyword"?'),
        (["lst"], 1, 'there is no scenario "lst"; did you mean the command list?'),
        (
            ["bench", "three-users", "hello", "--variant", "def"],
            1,
            'three-users has no variant "def"; expected "flask-1x1", "fastapi-def", "async-blocking" '
            'or "async-await"',
        ),
        (
            ["one-keyword", "--set", "users=0"],
            1,
            "one-keyword: users: the traffic of def-blocking is a burst plan; "
            'what can be set: requests, concurrency, duration; did you mean "concurrency"?',
        ),
        (["bench", "helo"], 1, 'there is no scenario "helo"; did you mean "hello"?'),
        (["./gone"], 1, "./gone: no such folder; expected one that holds a scenario.toml"),
        (["hello", "--variant", "dfe"], 1, 'hello has no variant "dfe"; did you mean "def"?'),
        (["bench", "hello", "--variant", "dfe"], 1, 'hello has no variant "dfe"; did you mean "def"?'),
        (
            ["one-keyword", "--set", "delay=9"],
            1,
            "one-keyword: knob delay: expected a number from 0.01 to 3 s, got 9",
        ),
        (
            ["bench", "hello", "--set", "requests=9"],
            1,
            "hello: requests: the traffic of def is a constant plan; what can be set: users, think, duration",
        ),
        (
            ["bench", "hello", "--duration", "soon"],
            1,
            "hello: duration: expected more than 0 and at most 86400 seconds, got soon",
        ),
        (["bench"], 2, "missing argument 'SCENARIO…' (see looplab bench --help)"),
        (
            ["hello", "--set", "delay"],
            2,
            "invalid value for '--set': \"delay\" has no name and value; expected for example delay=0.2 "
            "(see looplab --help)",
        ),
        (["hello", "more"], 2, "got unexpected extra argument (more) (see looplab --help)"),
        (
            ["bench", "hello", "--json", "gone/x.json"],
            2,
            "invalid value for '--json': gone/x.json: there is no folder gone (see looplab bench --help)",
        ),
        (
            ["bench", "hello", "--markdown", "t"],
            2,
            "invalid value for '--markdown': t is a folder (see looplab bench --help)",
        ),
        (
            ["bench", "hello", "--json", "-", "--html", "-"],
            2,
            "only one of --json, --markdown and --html can go to stdout (see looplab bench --help)",
        ),
        (
            ["bench", "one-keyword", "hello", "--article"],
            1,
            "hello has no figures of an article; leave --article away, or add [article] to "
            f"{find('hello').folder}/scenario.toml",
        ),
    ],
)
def test_a_mistake_is_one_line_on_stderr(
    looplab: Command, arguments: list[str], status: int, line: str
) -> None:
    said = looplab(*arguments)
    assert (said.returncode, said.stdout, said.stderr) == (status, "", f"looplab: {line}\n")


@pytest.mark.parametrize(
    "arguments", [["hello", "--varaint", "x"], ["--varaint", "x"], ["bench", "--rusn", "3"]]
)
def test_an_unknown_option_is_a_wrong_usage(looplab: Command, arguments: list[str]) -> None:
    said = looplab(*arguments)
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1)
    assert said.stderr.startswith("looplab: no such option")


@pytest.mark.parametrize("arguments", [["--debug", "helo"], ["bench", "helo", "--debug"]])
def test_debug_shows_the_traceback(looplab: Command, arguments: list[str]) -> None:
    said = looplab(*arguments)
    assert said.returncode == 1
    assert "Traceback (most recent call last)" in said.stderr


def test_an_output_without_unicode_costs_no_result(looplab: Command) -> None:
    said = looplab("list", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (said.returncode, said.stderr) == (0, "")
    assert "one-keyword" in said.stdout
    assert not [line for line in said.stdout.splitlines() if line.endswith(" ")]


def test_a_wrong_file_is_one_line(looplab: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scenario.toml").write_text('titel = "x"\n')
    said = looplab("mine")
    assert said.returncode == 1
    assert said.stderr == 'looplab: mine/scenario.toml: titel: unknown key; did you mean "title"?\n'


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("looplab ", {*COMMANDS, *ORDER}),
        ("looplab one", {"one-keyword"}),
        (
            "looplab -",
            {
                "--variant",
                "--set",
                "--engine",
                "--generators",
                "--processes",
                "--elsewhere",
                "--master-bind",
                "--postgres",
                "--aiomonitor-console",
                "--compare",
                "--theme",
                "--debug",
                "--version",
                "--help",
            },
        ),
        ("looplab bench he", {"hello"}),
        ("looplab hello --va", {"--variant"}),
    ],
)
def test_the_shell_completes(looplab: Command, words: str, offered: set[str]) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    said = looplab(_LOOPLAB_COMPLETE="bash_complete", **asked)
    assert {
        line.partition(",")[2] for line in said.stdout.splitlines() if line.startswith("plain,")
    } == offered


PROOF = """
import sys
from looplab.cli import main
sys.argv = ["looplab", *{arguments!r}]
try:
    main()
except SystemExit as end:
    print(end.code or 0, "textual" in sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["list"], ["doctor"], ["--help"]])
def test_what_needs_no_screen_imports_no_textual(environment: dict[str, str], arguments: list[str]) -> None:
    said = subprocess.run(
        [sys.executable, "-c", PROOF.format(arguments=arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert said.stderr.splitlines()[-1:] == ["0 False"]


def test_a_client_that_was_the_limit_has_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def played(selections: list[Selection], runs: int, *_: object) -> dict[str, Any]:
        """Give the report of runs in which the client of the second variant had no time left."""
        results = [as_result(selection, [Model().result()] * runs) for selection in selections]
        for one in results[1]["runs"]:
            one["client_limited"] = True
            one["client"]["limits"] = [{"kind": "cpu", "text": "uses 97% of its core"}]
        return {"looplab": "", "machine": machine(), "results": results, "comparisons": comparisons(results)}

    monkeypatch.setattr("looplab.report.bench.bench", played)
    monkeypatch.setattr("sys.argv", ["looplab", "bench", "hello"])
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 3
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == (
        "looplab: CLIENT-LIMITED: figures are lower bounds; "
        "hello › async-def: the client uses 97% of its core"
    )
    assert "hello › def" in said.out, "the table is printed all the same"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(28, "No space left on device", "a/b"), "a/b: No space left on device"),
        (OSError("odd"), "odd"),
    ],
)
def test_an_error_of_the_system_is_told_without_its_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, said: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("looplab.cli.main.catalogue", fail)
    monkeypatch.setattr("sys.argv", ["looplab", "list"])
    with pytest.raises(SystemExit) as end:
        run()
    assert (end.value.code, capsys.readouterr().err) == (1, f"looplab: {said}\n")


def test_an_error_that_nobody_foresaw_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object, **more: object) -> list[str]:
        raise LookupError("what is this")

    monkeypatch.setattr("looplab.cli.main.run_bench", broken)
    monkeypatch.setattr("sys.argv", ["looplab", "bench", "hello"])
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 1
    assert capsys.readouterr().err == "looplab: LookupError: what is this (with --debug it shows where)\n"


def test_a_reader_that_has_enough_is_no_error(environment: dict[str, str]) -> None:
    """`looplab list | head -1` ends without a complaint about the closed pipe."""
    pipe = f"{sys.executable} -m looplab list --json | head -1"
    said = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, timeout=60, env=environment)
    assert (said.stdout, said.stderr) == ("[\n", "")


def test_bench_explains_itself_and_runs_nothing(looplab: Command) -> None:
    said = looplab("bench", "one-keyword", "--variant", "async-await", "--explain")
    assert (said.returncode, said.stderr) == (0, "")
    for line in (
        "wrk -t1 -c100 -d15s",
        "ab -l -q -r -k -t 15 -n 200 -c 100",
        "oha --no-tui",
        "k6 run",
        "locust -f",
    ):
        assert line in said.stdout
    assert "app:async_await" in said.stdout
