from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from looplab.cli import browser, screen, serve
from looplab.cli.main import looplab


def test_a_missing_extra_is_said_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    failed = CliRunner().invoke(looplab, ["serve"])
    assert failed.exit_code == 1
    assert failed.stderr == "Error: the browser needs textual-serve. Mend: pip install 'looplab[serve]'\n"


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = CliRunner().invoke(looplab, ["serve", "--port", str(port)])
    assert failed.exit_code == 1
    assert f"port {port} is taken; name another with --port N" in failed.stderr


def test_a_screen_for_a_browser_needs_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    assert not browser.in_browser()
    assert screen.obstacle()
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    assert browser.in_browser()
    assert screen.obstacle() == ""
