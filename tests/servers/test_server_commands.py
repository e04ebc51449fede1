"""Command lines of both servers, and what is said when one of them cannot be started."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from looplab.servers import commands
from looplab.servers.commands import ServerSpec, command, environment, missing


def spec(**settings: object) -> ServerSpec:
    given = {"run": 1, "app": "app:app", "root": Path("/code"), "socket_path": Path("/run/lab.sock")}
    return ServerSpec(**{**given, **settings})  # type: ignore[arg-type]


def option(line: list[str], name: str) -> str:
    return line[line.index(name) + 1]


def test_gunicorn_gets_the_socket_and_the_settings_of_the_variant() -> None:
    line = command(spec(server="gunicorn", workers=4, threads=8, worker_connections=8), 7)
    assert line[1:5] == ["-P", "-m", "gunicorn", "looplab.probe.wsgi:app"]
    assert option(line, "--bind") == "fd://7"
    assert option(line, "--config") == "python:looplab.probe.gunicorn_conf"
    assert [option(line, f"--{name}") for name in ("workers", "threads", "worker-connections")] == [
        *("4", "8", "8")
    ]
    assert option(line, "--chdir") == "/code"


def test_gunicorn_keeps_its_own_limit_unless_the_variant_has_one() -> None:
    assert "--worker-connections" not in command(spec(server="gunicorn", threads=4), 7)


def test_both_servers_ask_the_kernel_for_the_same_queue() -> None:
    lines = [command(spec(server=server), 7) for server in ("uvicorn", "gunicorn")]
    assert [option(line, "--backlog") for line in lines] == [str(commands.BACKLOG)] * 2


def test_the_environment_holds_nothing_that_changes_a_command_line() -> None:
    names = ("GUNICORN_CMD_ARGS", "GUNICORN_FD", "WEB_CONCURRENCY", "LISTEN_FDS", "UVICORN_PORT", "LAB_OLD")
    kept = environment(spec(server="gunicorn"), {**dict.fromkeys(names, "1"), "HOME": "/home"})
    assert kept["HOME"] == "/home"
    assert not set(names) & set(kept)


def test_a_gunicorn_that_is_not_there_is_told_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(commands.metadata, "version", absent)
    assert missing(spec(server="gunicorn")) == "gunicorn is not installed; pip install 'looplab[flask]'"
    assert missing(spec(server="uvicorn")) == ""


@pytest.mark.parametrize("version", ["22.0.0", "23.0.0"])
def test_a_gunicorn_that_would_hang_is_not_started(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(commands.metadata, "version", lambda name: version)
    bounded = missing(spec(server="gunicorn", threads=4, worker_connections=4))
    assert bounded == (
        f"gunicorn {version} hangs with worker_connections = 4, 24 and later do not;"
        " pip install 'looplab[flask]'"
    )
    assert missing(spec(server="gunicorn", threads=4)) == ""


@pytest.mark.parametrize("version", ["24.0.0", "27.0.1"])
def test_a_gunicorn_that_does_not_hang_is_started(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(commands.metadata, "version", lambda name: version)
    assert missing(spec(server="gunicorn", threads=4, worker_connections=4)) == ""
