from __future__ import annotations

import io
import resource
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from looplab.report import doctor
from looplab.report.doctor import CHECKS, Check, as_table, examine


def look(name: str) -> Check:
    return CHECKS[name]()


def test_this_machine_can_run_the_lab() -> None:
    found = {check.name: check for check in examine()}
    assert set(found) == set(CHECKS)
    for name in ("Python", "cores", "ports", "Unix socket", "scenarios"):
        assert found[name].state != "fail", found[name]
    assert all(check.mend for check in found.values() if check.state != "ok")


def test_a_private_folder_that_was_tried_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert look("Unix socket").state == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("soft", "hard", "state", "mend"),
    [
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, "ok", ""),
        (1024, 4096, "ok", ""),
        (256, 4096, "warn", "ulimit -n 4096"),
        (100, 4096, "fail", "ulimit -n 4096"),
        (100, 100, "fail", "raise the hard limit from 100 to 1024 or more"),
    ],
)
def test_open_files(soft: int, hard: int, state: str, mend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, hard))
    assert (look("open files").state, look("open files").mend) == (state, mend)


@pytest.mark.parametrize(
    ("size", "term", "state", "mend"),
    [
        ((120, 36), "xterm", "ok", ""),
        ((100, 30), "xterm", "ok", ""),
        ((79, 24), "xterm", "warn", "80 × 24 is the least that works well"),
        ((59, 40), "xterm", "fail", "make it at least 60 × 16"),
        ((120, 36), "dumb", "warn", "export TERM=xterm-256color"),
    ],
)
def test_terminal(
    size: tuple[int, int], term: str, state: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", str(size[0]))
    monkeypatch.setenv("LINES", str(size[1]))
    found = look("terminal")
    assert (found.state, found.mend) == (state, mend)


def test_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLORTERM", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert look("colours") == Check("colours", "ok", "256")
    monkeypatch.setenv("TERM", "xterm-16color")
    assert look("colours").state == "warn"
    monkeypatch.setenv("NO_COLOR", "1")
    assert look("colours").state == "ok"


def test_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda flag: "UTF-8")
    assert look("Unicode").state == "ok"
    monkeypatch.setattr("locale.getpreferredencoding", lambda flag: "ANSI_X3.4-1968")
    assert look("Unicode").mend == "export LC_ALL=C.UTF-8"


def test_a_loopback_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(listener: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert look("ports").found == "127.0.0.1 refuses: Operation not permitted"
    assert look("ports").state == "fail"


def test_a_check_that_breaks_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Check:
        raise OSError(24, "Too many open files")

    checks: dict[str, Callable[[], Check]] = {"ports": broken, "cores": CHECKS["cores"]}
    monkeypatch.setattr(doctor, "CHECKS", checks)
    assert [(check.name, check.state) for check in examine()] == [
        ("ports", "fail"),
        ("cores", look("cores").state),
    ]


def test_every_finding_is_printed_with_its_mend() -> None:
    out = io.StringIO()
    checks = [
        Check("cores", "warn", "1", "expect lower rates"),
        Check("uvloop", "warn", "no [extra]", "pip install 'looplab[uvloop]'"),
        Check("ports", "ok", "free"),
    ]
    Console(file=out, width=80, color_system=None).print(as_table(checks))
    text = out.getvalue().splitlines()
    assert [line.split() for line in text] == [
        ["warn", "cores", "1"],
        ["→", "expect", "lower", "rates"],
        ["warn", "uvloop", "no", "[extra]"],
        ["→", "pip", "install", "'looplab[uvloop]'"],
        ["ok", "ports", "free"],
    ]
