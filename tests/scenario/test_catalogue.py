from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.scenario import ORDER, Scenario, ScenarioError, catalogue, find
from looplab.scenario.catalogue import folder_of_scenarios
from looplab.scenario.errors import one_of

SCENARIOS = catalogue()

FRAMEWORKS = {
    "anyio",
    "asyncpg",
    "fastapi",
    "flask",
    "httpx",
    "numpy",
    "psycopg",
    "psycopg_pool",
    "pydantic",
    "requests",
}
"""What an app may import beside the standard library."""


def test_every_folder_on_board_is_in_the_catalogue() -> None:
    folders = {path.parent.name for path in folder_of_scenarios().glob("*/scenario.toml")}
    assert folders == set(ORDER)
    assert [scenario.id for scenario in SCENARIOS] == list(ORDER)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_every_scenario_on_board_is_whole(scenario: Scenario) -> None:
    """A question, two to five steps of which the first asks, claims for it, and a file for every variant."""
    assert scenario.question.endswith("?")
    assert 2 <= len(scenario.steps) <= 5
    assert scenario.steps[0].say.endswith("?")
    assert scenario.steps[0].variant is None
    shown = {step.variant for step in scenario.steps} - {None}
    assert shown <= {variant.id for variant in scenario.variants}
    assert len(shown) >= min(len(scenario.variants), 4), "five steps at most, and one of them asks"
    claimed = {claim.left + claim.right for claim in scenario.claims}
    assert all(any(variant.id in text for text in claimed) for variant in scenario.variants)
    assert all(variant.shows for variant in scenario.variants)
    assert scenario.source


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_the_app_is_plain_and_knows_nothing_of_looplab(scenario: Scenario) -> None:
    files = list(scenario.folder.glob("*.py"))
    modules = set().union(*(imported(file) for file in files))
    assert modules <= sys.stdlib_module_names | FRAMEWORKS | {file.stem for file in files}


def imported(file: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").partition(".")[0])
    return modules


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_default_run_ends_by_itself(scenario: Scenario) -> None:
    plans = [variant.traffic or scenario.traffic for variant in scenario.variants]
    assert all(plan.length is not None for plan in plans)


def test_a_scenario_is_found_by_id_folder_and_file(folder: Callable[..., Path]) -> None:
    path = folder()
    assert find("hello").folder == folder_of_scenarios() / "hello"
    assert find("mine").folder == path
    assert find("./mine/").folder == path
    assert find(str(path / "scenario.toml")).folder == path


def test_an_id_wins_over_a_folder_of_that_name(folder: Callable[..., Path]) -> None:
    path = folder()
    path.rename(path.parent / "hello")
    assert find("hello").folder == folder_of_scenarios() / "hello"
    assert find("./hello").folder == path.parent / "hello"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("one-keywrd", 'there is no scenario "one-keywrd"; did you mean "one-keyword"?'),
        ("zzz", f'there is no scenario "zzz"; expected {one_of(ORDER)}'),
        ("", f'there is no scenario ""; expected {one_of(ORDER)}'),
        ("./gone", "./gone: no such folder; expected one that holds a scenario.toml"),
        ("empty", "empty: no scenario.toml in this folder; a scenario is a folder that holds one"),
    ],
)
def test_a_wrong_name_is_mended(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScenarioError) as caught:
        find(name)
    assert str(caught.value) == message
