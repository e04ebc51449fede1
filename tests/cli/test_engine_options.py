"""Which engine makes the traffic, and `export`, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import looplab.cli.engine as engines
from looplab.cli.engine import Engine, engine
from looplab.cli.export import export
from looplab.traffic.plan import Locust


@pytest.fixture
def asked() -> Callable[..., Engine | str]:
    """Give what a command gets from its options, or what it says of them."""
    got: list[Engine] = []

    @click.command()
    @engine
    def command(engine: Engine) -> None:
        got.append(engine)

    def ask(*words: str) -> Engine | str:
        said = CliRunner().invoke(command, words, standalone_mode=False)
        if isinstance(said.exception, click.ClickException):
            return said.exception.format_message()
        assert said.exception is None, said.exception
        return got[-1]

    return ask


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("", Engine(1, None)),
        ("--generators 3", Engine(3, None)),
        ("--engine locust", Engine(1, Locust())),
        ("--engine locust --processes 2", Engine(2, Locust())),
        ("--engine locust --elsewhere 2", Engine(2, Locust(elsewhere=2))),
        (
            "--engine locust --processes 1 --elsewhere 2 --master-bind 10.0.0.1",
            Engine(3, Locust(elsewhere=2, master_bind="10.0.0.1")),
        ),
        ("--processes 2", "--processes goes with --engine locust"),
        ("--elsewhere 2", "--elsewhere goes with --engine locust"),
        (
            "--engine locust --generators 2",
            "--generators are looplab's own; with --engine locust say --processes",
        ),
        (
            "--engine locust --processes 0",
            "--processes 0 leaves nobody to make the traffic; --elsewhere says who does",
        ),
        (
            "--engine locust --master-bind 0.0.0.0",
            "--master-bind is for workers on other machines: say how many with --elsewhere",
        ),
    ],
)
def test_options_that_go_together(
    asked: Callable[..., Engine | str], words: str, chosen: Engine | str
) -> None:
    assert asked(*words.split()) == chosen


def test_without_locust_it_says_how_to_get_it(
    asked: Callable[..., Engine | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert asked("--engine", "locust") == "Locust is not installed: pip install 'looplab[locust]'"
    assert asked() == Engine(1, None)


def test_a_script_goes_to_stdout_or_a_file_and_its_notes_to_stderr(tmp_path: Path) -> None:
    said = CliRunner().invoke(export, ["hello", "--to", "locust", "--duration", "2.5"])
    assert said.exit_code == 0
    assert said.stdout.startswith("# Traffic of looplab: hello › def\n# Run it with: locust -f hello-def.py")
    assert "looplab: Locust counts whole seconds: it is cut after 3 s, the plan after 2.5 s\n" in said.stderr
    file = tmp_path / "mine.js"
    said = CliRunner().invoke(export, ["hello", "--to", "k6", "--variant", "async-def", "-o", str(file)])
    assert (said.exit_code, said.stdout) == (0, "")
    assert f"// Run it with: k6 run {file}\n" in file.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hello", "--to", "csv"], "csv is for a recording"),
        (["mine.looplab", "--to", "k6"], "mine.looplab is a recording, which goes to"),
        (["mine.looplab", "--to", "csv"], "csv goes to a file: say which with -o"),
        (["hello", "--to", "k6", "--url", "127.0.0.1"], '"127.0.0.1" is no server'),
        (["hello", "--to", "jmeter"], "'jmeter' is not one of"),
        (["hello", "--to", "k6", "-o", "/nowhere/x"], "there is no folder /nowhere"),
    ],
)
def test_wrong_exports_are_told_in_words(words: list[str], said: str) -> None:
    found = CliRunner().invoke(export, words)
    assert found.exit_code == 2
    assert said in found.stderr
