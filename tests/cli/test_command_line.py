"""The command line that a report names: whole, and without a password."""

from __future__ import annotations

import sys

import pytest

from looplab.cli.settings import command_line

URL = "postgresql://me:secret@127.0.0.1/mine"


@pytest.mark.parametrize("given", [["--postgres", URL], [f"--postgres={URL}"]], ids=["apart", "joined"])
def test_the_password_of_a_database_is_not_in_it(monkeypatch: pytest.MonkeyPatch, given: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "bench", "books-read", *given, "--html", "my page.html"])
    said = command_line()
    assert "secret" not in said
    assert "me:…@127.0.0.1/mine" in said
    assert said.startswith("looplab bench books-read ")
    assert said.endswith("--html 'my page.html'")
