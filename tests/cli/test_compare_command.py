"""`looplab SCENARIO --compare`: with a terminal the screen, without one the table of all variants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

import looplab.cli.main as main
from looplab.cli.main import looplab
from looplab.lab import Selection


@pytest.fixture
def benched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What `bench` would run, in place of running it."""
    runs: list[list[str]] = []

    def note(selections: list[Selection]) -> None:
        runs.append([one.variant.id for one in selections])

    monkeypatch.setattr(main, "run_bench", note)
    return runs


def test_without_a_terminal_all_variants_run_one_after_the_other(benched: list[list[str]]) -> None:
    said = CliRunner().invoke(looplab, ["one-keyword", "--compare", "--variant", "async-await"])
    assert said.exit_code == 0
    assert benched == [["def-blocking", "async-blocking", "async-await", "async-offload"]]
    assert "so all variants of one-keyword run without a screen" in said.output


def test_in_a_terminal_the_screen_compares_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, Any]] = []

    def note(scenario: object, variant: object, settings: object, **more: Any) -> int:
        opened.append(more)
        return 0

    monkeypatch.setattr(main, "obstacle", lambda: "")
    monkeypatch.setattr(main, "open_screen", note)
    for arguments in (["hello", "--compare"], ["hello"]):
        assert CliRunner().invoke(looplab, arguments).exit_code == 0
    assert [more["compare"] for more in opened] == [True, False]


def test_one_variant_alone_is_not_compared(mine: Callable[..., Any], benched: list[list[str]]) -> None:
    said = CliRunner().invoke(looplab, [str(mine(None).folder), "--compare"])
    assert said.exit_code == 2
    assert "mine has one variant: there is nothing to compare" in said.output
    assert benched == []
