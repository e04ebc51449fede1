"""What a speaker types, where there is no terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from looplab.cli import stage
from looplab.lab.notes import FoundLab, Notes
from looplab.scenario import TOUR, ScenarioError


def test_a_talk_can_be_read_without_a_terminal() -> None:
    said = CliRunner().invoke(stage.talk, ["--check", str(TOUR)])
    assert said.exit_code == 0
    assert said.output.splitlines()[:2] == [
        "From one keyword to who pays",
        "  1  One keyword: one-keyword › def-blocking, 4 steps",
    ]


@pytest.mark.parametrize(
    ("command", "arguments", "said", "status"),
    [
        (stage.tour, [], "there is no terminal here, and a talk is shown on one", 1),
        (stage.talk, [str(TOUR)], "there is no terminal here, and a talk is shown on one", 1),
        (stage.talk, ["--at", "9", str(TOUR)], "--at 9: the talk has 4 scenes", 2),
    ],
    ids=["tour", "talk", "too far"],
)
def test_a_talk_needs_a_terminal_and_a_scene(
    command: object, arguments: list[str], said: str, status: int
) -> None:
    answer = CliRunner().invoke(command, arguments)  # type: ignore[arg-type]
    assert said in answer.output
    assert answer.exit_code == status


def test_a_wrong_talk_is_told_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "talk.toml"
    file.write_text('title = "x"\n[[scenes]]\nscenario = "helo"\n', encoding="utf-8")
    answer = CliRunner().invoke(stage.talk, [str(file)])
    assert isinstance(answer.exception, ScenarioError)
    assert 'scenes[0].scenario: there is no scenario "helo"; did you mean "hello"?' in str(answer.exception)


def test_notes_list_the_labs_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    labs = [
        FoundLab(Path("/b"), 2.0, Notes(talk="My talk", place=3, count=7)),
        FoundLab(Path("/a"), 1.0, Notes(scene="Hello")),
    ]
    monkeypatch.setattr("looplab.lab.notes.running_labs", lambda: labs)
    listed = CliRunner().invoke(stage.notes, ["--list"]).output.splitlines()
    assert listed[0].startswith("1  since ")
    assert listed[0].endswith("My talk  step 3 of 7")
    assert listed[1].endswith("Hello  no step yet")
    assert "there is no lab 3: 2 run" in CliRunner().invoke(stage.notes, ["3"]).output
    assert "the notes are shown on one" in CliRunner().invoke(stage.notes, []).output
    labs.clear()
    nobody = CliRunner().invoke(stage.notes, ["--list"])
    assert "no lab of yours runs on this machine; start one, for example: looplab tour" in nobody.output
    assert nobody.exit_code == 1
