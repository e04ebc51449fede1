"""What may be passed to a server behind `--`: all but what would take it away from the lab."""

from __future__ import annotations

from collections.abc import Sequence

_SOCKET = "the lab makes the socket, so that nothing listens beyond this machine"
_TLS = "the lab's traffic speaks plain HTTP"
_ENTRY = "the lab's probe stands between the server and the app"

_BOTH = {
    "--reload": "say it before --",
    "--workers": "say it before --",
    "--ssl-keyfile": _TLS,
    "--ssl-certfile": _TLS,
    "--certfile": _TLS,
    "--keyfile": _TLS,
}

_REFUSED = {
    "uvicorn": {
        **_BOTH,
        "--host": _SOCKET,
        "--port": _SOCKET,
        "--fd": _SOCKET,
        "--uds": _SOCKET,
        "--app-dir": "say it before --",
        "--factory": "say it before --",
        "--loop": "say it before --",
        "--interface": _ENTRY,
        "--lifespan": "the lab hears of a worker by its lifespan, which an app need not have",
        "--version": "it ends the server",
        "--help": "it ends the server",
    },
    "gunicorn": {
        **_BOTH,
        "-w": "say it before --, as --workers",
        "-b": _SOCKET,
        "--bind": _SOCKET,
        "--reuse-port": _SOCKET,
        "-c": "the lab's own configuration stands there; write its settings as options",
        "--config": "the lab's own configuration stands there; write its settings as options",
        "-k": _ENTRY,
        "--worker-class": _ENTRY,
        "--threads": "say it before --",
        "--chdir": "the app runs in the current folder",
        "-D": "the lab ends its servers",
        "--daemon": "the lab ends its servers",
        "--paste": _ENTRY,
        "--paster": _ENTRY,
        "-v": "it ends the server",
        "--version": "it ends the server",
        "-h": "it ends the server",
        "--help": "it ends the server",
        "--check-config": "it ends the server",
        "--print-config": "it ends the server",
    },
}


def refused(server: str, arguments: Sequence[str]) -> str:
    """Say why an argument cannot be passed to a server; empty if all can."""
    known = _REFUSED[server]
    for argument in arguments:
        name = argument.partition("=")[0]
        if not name.startswith("--"):
            # A short option may have its value in the same word.
            name = name[:2]
        if name in known:
            return f"{server} cannot have {name} here: {known[name]}"
    return ""
