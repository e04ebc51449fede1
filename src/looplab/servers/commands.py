"""What is started for a server: its command line, its environment, and what must be installed for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import msgspec

BACKLOG = 2048
"""Connections that the kernel may keep for a server at most, unless the system allows fewer: what both
servers ask for by themselves."""

GRACEFUL_S = 1
"""Seconds that a server gives to open requests after a TERM."""

BOUNDED_SINCE = 24
"""gunicorn 22 and 23 spin for ever, and answer nobody, once a worker has as many connections as it may."""


class ServerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Which server to start, and how."""

    run: int
    app: str
    """The user's `module:attribute`."""
    root: Path
    """Absolute folder of the user's code."""
    server: str = "uvicorn"
    """`uvicorn` or `gunicorn`."""
    workers: int = 1
    threads: int = 1
    """Threads of each worker of gunicorn. With more than one its worker class is `gthread`, else `sync`."""
    worker_connections: int | None = None
    """Connections that each worker of gunicorn accepts at most; None leaves it to gunicorn (1,000)."""
    loop: str = "auto"
    """`asyncio`, `uvloop` or `auto`, which is uvloop where it is installed."""
    environment: dict[str, str] = {}
    """Knobs, and whatever else the app is told."""
    socket_path: Path
    """The lab's socket."""
    instance: int = 0
    """Number of the server among those that the traffic is balanced over, from 0."""

    @property
    def workers_folder(self) -> Path:
        """Folder of the files that the workers lock to get their numbers."""
        return self.socket_path.parent / f"workers-{self.run}.{self.instance}"

    @property
    def worker_numbers(self) -> range:
        """Numbers of its workers: no other instance has them."""
        return range(self.instance * self.workers, (self.instance + 1) * self.workers)


def missing(spec: ServerSpec) -> str:
    """Say what is not installed, or too old, for a server, and how to mend it; empty if nothing is."""
    if spec.server != "gunicorn":
        return ""
    try:
        version = metadata.version("gunicorn")
    except metadata.PackageNotFoundError:
        return "gunicorn is not installed; pip install 'looplab[flask]'"
    major = version.partition(".")[0]
    if spec.worker_connections is not None and major.isdecimal() and int(major) < BOUNDED_SINCE:
        return (
            f"gunicorn {version} hangs with worker_connections = {spec.worker_connections}, {BOUNDED_SINCE}"
            " and later do not; pip install 'looplab[flask]'"
        )
    return ""


def command(spec: ServerSpec, fd: int) -> list[str]:
    """Give the server's command line; `fd` is its socket, bound and not listening."""
    # -P: the working folder is not searched for the server's own imports.
    server = [sys.executable, "-P", "-m", spec.server]
    return [*server, *(_gunicorn(spec, fd) if spec.server == "gunicorn" else _uvicorn(spec, fd))]


def _uvicorn(spec: ServerSpec, fd: int) -> list[str]:
    return [
        "looplab.probe.asgi:app",
        *("--fd", str(fd)),
        *("--workers", str(spec.workers)),
        *("--loop", spec.loop),
        *("--backlog", str(BACKLOG)),
        *("--app-dir", str(spec.root)),
        *("--no-access-log", "--log-level", "info", "--no-use-colors"),
        *("--timeout-graceful-shutdown", str(GRACEFUL_S)),
    ]


def _gunicorn(spec: ServerSpec, fd: int) -> list[str]:
    limit = spec.worker_connections
    return [
        "looplab.probe.wsgi:app",
        *("--config", "python:looplab.probe.gunicorn_conf"),
        *("--bind", f"fd://{fd}"),
        *("--workers", str(spec.workers)),
        *("--threads", str(spec.threads)),
        *(() if limit is None else ("--worker-connections", str(limit))),
        *("--backlog", str(BACKLOG)),
        *("--chdir", str(spec.root)),
        *("--log-level", "info"),
        *("--graceful-timeout", str(GRACEFUL_S)),
    ]


_SETTINGS = ("UVICORN_", "GUNICORN_", "WEB_CONCURRENCY", "LISTEN_", "LAB_")
"""Names of the environment, by their beginning, that would change the command line or hand over other
sockets, and knobs of another lab."""


def stacks_path(socket_path: Path) -> Path:
    """Give the lab's second socket, where stacks arrive that need no GIL; its path is no longer."""
    return socket_path.with_name("gil.sock")


def environment(spec: ServerSpec, inherited: Mapping[str, str]) -> dict[str, str]:
    """Give the server's environment: what is inherited, the knobs, and what the probe reads."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(_SETTINGS)}
    return {
        **kept,
        # The folder of a scenario stays as it is, and output is seen when it is written.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **spec.environment,
        "LOOPLAB_SOCKET": str(spec.socket_path),
        "LOOPLAB_RUN": str(spec.run),
        "LOOPLAB_APP": spec.app,
        "LOOPLAB_ROOT": str(spec.root),
        "LOOPLAB_WORKERS": str(spec.workers_folder),
        "LOOPLAB_STACKS": str(stacks_path(spec.socket_path)),
    }
