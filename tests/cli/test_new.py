"""`looplab new`: the folder that it writes runs at once, and nothing is written over."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from looplab.cli.main import looplab as commands
from looplab.scenario import evaluate, load

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.real
def test_a_new_scenario_runs_at_once_and_its_claims_hold(looplab: Command, tmp_path: Path) -> None:
    said = looplab("new", "my-service")
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-1] == "  looplab ./my-service"
    assert sorted(path.name for path in (tmp_path / "my-service").iterdir()) == ["app.py", "scenario.toml"]
    scenario = load(tmp_path / "my-service")
    assert scenario.title == "My service"
    said = looplab("bench", "./my-service", "--runs", "1", "--json", "-")
    assert said.returncode == 0, said.stderr
    results = json.loads(said.stdout)["results"]
    assert [result["variant"] for result in results] == ["blocking", "awaiting"]
    assert [claim.text for claim in scenario.claims if not evaluate(claim, results)[2]] == []


def test_a_path_is_made_with_its_parents_and_named_so_that_it_can_be_typed(
    looplab: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "with space" / "deep" / "mine"
    said = looplab("new", str(folder))
    assert said.stdout.splitlines()[-1] == f"  looplab '{folder}'"
    assert load(folder).title == "Mine"
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_a_folder_that_takes_nothing_is_told_by_the_name_that_was_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def denied(**_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / ".mine-x1y2"))

    monkeypatch.setattr("tempfile.TemporaryDirectory", denied)
    with pytest.raises(click.ClickException, match=r"^.*/mine: Permission denied$"):
        commands.main(["new", str(tmp_path / "mine")], standalone_mode=False)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("hello", '"hello" is a scenario on board; choose another name'),
        ("taken", "taken is there already; choose another name, or remove it first"),
        (
            "My_Service",
            '"My_Service" is no name for a scenario; expected small letters, digits and single hyphens,'
            ' for example "my-service"',
        ),
    ],
)
def test_what_cannot_be_made_is_told_in_one_line(
    looplab: Command, tmp_path: Path, name: str, line: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious").write_text("kept")
    said = looplab("new", name)
    assert (said.returncode, said.stderr) == (1, f"looplab: {line}\n")
    assert (tmp_path / "taken" / "precious").read_text() == "kept"
    assert not (tmp_path / name / "app.py").exists()
