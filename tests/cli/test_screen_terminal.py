"""When there is a terminal for the screen."""

from __future__ import annotations

import io

import pytest

from looplab.cli.screen import obstacle


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize("piped", ["stdin", "stdout", "stderr", ""])
def test_a_screen_needs_all_three_streams(piped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}", Stream(name != piped))

    said = {"": "", "stderr": "standard error is redirected, and the screen is drawn there"}
    assert obstacle() == said.get(piped, "there is no terminal here")


def test_a_dumb_terminal_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}", Stream(True))

    assert obstacle() == "TERM=dumb cannot show the screen"
