"""`looplab predict` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from looplab.cli.main import looplab

RECORDING = Path(__file__).parents[1] / "recordings" / "pool-limit-pool-5.looplab"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(looplab, ["predict", *arguments])


def test_a_recording_is_enough_and_its_json_too(tmp_path: Path) -> None:
    base, page = tmp_path / "base.json", tmp_path / "page.html"

    first = call("--from", str(RECORDING), "--users", "20", "--json", str(base), "--html", str(page))
    again = call("--from", str(base), "--users", "20")

    assert first.exit_code == 0, first.output
    assert "pool-limit › pool-5, predicted for 20 users" in first.stdout
    assert again.stdout == first.stdout
    assert json.loads(base.read_text(encoding="utf-8"))["prediction"]["bottleneck"] == "asyncpg"
    assert page.read_text(encoding="utf-8").count("<svg") == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "give a SCENARIO, or --from"),
        (
            ("--from", str(RECORDING), "--users", "5", "--rate", "3"),
            "--users, who wait for answers, or --rate",
        ),
        (("--from", str(RECORDING), "--threads", "5"), "used no pool of threads: --threads changes nothing"),
        (("hello", "--from", str(RECORDING)), "is about pool-limit › pool-5, not about hello › pool-5"),
        (("websockets",), "websocket traffic cannot be predicted"),
        (("--from", str(RECORDING), "--json", "-", "--html", "-"), "only one of --json, --html and --svg"),
        (("no-such-thing",), "no-such-thing"),
        (("hello", "--variant", "nobody"), "nobody"),
        (("hello", "--set", "nothing=1"), "nothing"),
        (("--from", "no-such-file"), "does not exist"),
        (("hello", "--workers", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments: tuple[str, ...], reason: str) -> None:
    found = call(*arguments)

    assert found.exit_code != 0
    said = found.exception if isinstance(found.exception, Exception) else None
    text = found.output + (str(said) if said is not None else "")
    assert reason in text


def test_only_what_was_asked_for_goes_to_stdout() -> None:
    found = call("--from", str(RECORDING), "--users", "1", "--json", "-")

    assert json.loads(found.stdout)["demands"]["scenario"] == "pool-limit"
