"""What is started for a server: its command line, its environment, and what must be installed for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import msgspec

from looplab.probe.settings import stacks_path
from looplab.scenario import Own

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
    own: Own | None = None
    """Of a person's own app."""

    @property
    def roots(self) -> list[Path]:
        """Absolute folders of the user's code."""
        return [self.root, *(Path(root) for root in (self.own.roots if self.own is not None else ()))]

    @property
    def lent_folder(self) -> Path:
        """Folder of links to what is lent to the interpreter of a person's own app."""
        return self.socket_path.parent / "lent"

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
    if spec.server != "gunicorn" or spec.own is not None:
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
    own = spec.own or Own(interface="wsgi" if spec.server == "gunicorn" else "asgi")
    # -P: the working folder is not searched for the server's own imports.
    server = [own.python or sys.executable, "-P", "-m", spec.server]
    options = _gunicorn(spec, own, fd) if spec.server == "gunicorn" else _uvicorn(spec, own, fd)
    return [*server, *options, *(("--reload",) if own.reload else ()), *own.arguments]


def _uvicorn(spec: ServerSpec, own: Own, fd: int) -> list[str]:
    return [
        "looplab.probe.asgi:app",
        *("--fd", str(fd)),
        # uvicorn warns of workers beside --reload.
        *(() if own.reload else ("--workers", str(spec.workers))),
        *("--loop", spec.loop),
        *("--backlog", str(BACKLOG)),
        *("--app-dir", own.app_dir or str(spec.root)),
        *("--no-access-log", "--log-level", "info", "--no-use-colors"),
        *("--timeout-graceful-shutdown", str(GRACEFUL_S)),
    ]


def _gunicorn(spec: ServerSpec, own: Own, fd: int) -> list[str]:
    limit = spec.worker_connections
    return [
        f"looplab.probe.{own.interface}:app",
        *("--config", "python:looplab.probe.gunicorn_conf"),
        *("--bind", f"fd://{fd}"),
        *("--workers", str(spec.workers)),
        *(
            ("--threads", str(spec.threads))
            if own.interface == "wsgi"
            else ("--worker-class", own.worker_class)
        ),
        *(() if limit is None else ("--worker-connections", str(limit))),
        *("--backlog", str(BACKLOG)),
        *("--chdir", str(spec.root)),
        *(("--pythonpath", own.app_dir) if own.app_dir else ()),
        *("--log-level", "info"),
        *("--graceful-timeout", str(GRACEFUL_S)),
    ]


_SERVERS = ("UVICORN_", "GUNICORN_", "WEB_CONCURRENCY", "LISTEN_")
"""Names of the environment, by their beginning, that would change the command line or hand over other
sockets."""

_KNOBS = "LAB_"
"""Beginning of the names of knobs: a scenario has no other than its own, a person's own app may have any."""


def kept(inherited: Mapping[str, str]) -> dict[str, str]:
    """Give what a person's own app has of the shell's environment."""
    return {
        **{name: value for name, value in inherited.items() if not name.startswith(_SERVERS)},
        # The folder of an app stays as it is, and output is seen when it is written.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def environment(spec: ServerSpec, inherited: Mapping[str, str]) -> dict[str, str]:
    """Give the server's environment: what is inherited, the knobs, and what the probe reads."""
    own = spec.own
    told = kept(inherited)
    if own is None:
        told = {name: value for name, value in told.items() if not name.startswith(_KNOBS)}
    elif own.lent:
        # Behind the user's own: what is lent hides nothing of theirs.
        paths = [told.get("PYTHONPATH", ""), str(spec.lent_folder)]
        told["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return {
        **told,
        **spec.environment,
        "LOOPLAB_SOCKET": str(spec.socket_path),
        "LOOPLAB_RUN": str(spec.run),
        "LOOPLAB_APP": spec.app,
        "LOOPLAB_ROOT": os.pathsep.join(map(str, spec.roots)),
        "LOOPLAB_WORKERS": str(spec.workers_folder),
        "LOOPLAB_STACKS": str(stacks_path(spec.socket_path)),
        **({"LOOPLAB_FACTORY": "1"} if own is not None and own.factory else {}),
        **({"LOOPLAB_RELOAD": "1"} if own is not None and own.reload else {}),
    }
