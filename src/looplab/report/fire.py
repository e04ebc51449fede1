"""`looplab fire`: traffic alone, at a server that somebody else has started."""

from __future__ import annotations

import socket
import string
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from looplab.lab import Lab, Shot
from looplab.model import Model
from looplab.traffic.address import authority, resolve
from looplab.traffic.check import check_plan
from looplab.traffic.errors import JobError
from looplab.traffic.executors import EXECUTORS
from looplab.traffic.plan import Plan, RequestSpec, Target
from looplab.traffic.requests import Mix
from looplab.wire.clock import S, now_ns

from .runner import Run, RunError, figures, follow

CONNECT_S = 5.0
"""A server that does not take a connection within it cannot be reached."""

STOPPING_NS = 3 * S
"""Traffic that was told to stop has reported by then, or is gone."""

SERVERS_OWN = ("loops", "slots", "ceiling_rps", "bottleneck")
"""Parts of a RUN that only a probe in the server can fill."""


class Aim(NamedTuple):
    """A URL, taken apart."""

    url: str
    host: str
    port: int
    path: str
    """With its query; blanks and what is not ASCII are written as HTTP has them, `%20`."""


def aim(url: str) -> Aim:
    """Take a URL apart.

    Raises:
        ValueError: it is none, or not of http; the message says what is expected.
    """
    given = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(given)
        port = parts.port if parts.port is not None else 80
    except ValueError as error:
        raise ValueError(f'"{url}" is no URL: {error}') from None
    if parts.scheme == "https":
        raise ValueError(
            "looplab fire speaks http and no TLS; give the http:// address of the server behind the proxy"
        )
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f'"{url}" is no http URL; expected for example http://127.0.0.1:8000/')
    if parts.username is not None or not 0 < port < 65_536:
        raise ValueError(f'"{url}": expected http://HOST:PORT/PATH')
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # As browsers do it; what is written with % already stays. A byte that is no UTF-8 is a byte.
    path = quote(path, safe=string.punctuation, errors="surrogateescape")
    return Aim(given, parts.hostname, port, path)


def check(target: Aim, allow_remote: list[str]) -> None:
    """Find out whether the traffic may go there.

    Raises:
        ValueError: the host is not on this machine, and was not allowed.
    """
    try:
        resolve(target.host, allow_remote)
    except JobError as error:
        raise ValueError(str(error)) from None


def reach(target: Aim, allow_remote: list[str]) -> None:
    """Connect once: nobody wants to wait for the end of a run to learn of a wrong port.

    Raises:
        RunError: nobody answers there.
    """
    failure = OSError("it has no address")
    for address in resolve(target.host, allow_remote):
        try:
            socket.create_connection((address, target.port), CONNECT_S).close()
        except OSError as error:
            failure = error
        else:
            return
    where = authority(target.host, target.port)
    raise RunError(f"nothing can be reached at {where}: {failure.strerror or failure}", [])


def shot(target: Aim, plan: Plan, request: RequestSpec, generators: int, allow_remote: list[str]) -> Shot:
    """Put together what to run.

    Raises:
        ValueError: the traffic could not be made so; the message names what is wrong, and what it may be.
    """
    host = request.headers.get("host") or request.headers.get("Host")
    headers = request.headers if host else {**request.headers, "host": authority(target.host, target.port)}
    plan.mix = [
        RequestSpec(
            name=request.name,
            method=request.method,
            path=target.path,
            headers=headers,
            body=request.body,
        )
    ]
    targets = [Target(target.host, target.port)]
    try:
        # The traffic's own process checks it, too, when all has been started.
        check_plan(plan, EXECUTORS)
        Mix(plan, targets)
    except JobError as error:
        raise ValueError(str(error).removeprefix(f"request {request.name!r}: ")) from None
    return Shot(
        title=target.url,
        targets=targets,
        plan=plan,
        generators=generators,
        allow_remote=allow_remote,
    )


def fire(lab: Lab, what: Shot, tell: Callable[[Model], None], stopped: Callable[[], bool]) -> Run:
    """Fire until the plan is over, or until somebody stops it: then the figures are those up to there.

    Args:
        lab: an open lab.
        what: what to run.
        tell: called with the model as it fills, about ten times a second.
        stopped: whether somebody wants it to end.

    Raises:
        RunError: the traffic could not start or has died, or no request was answered.
    """
    dropped = lab.dropped
    until_ns = 0

    def look() -> None:
        nonlocal until_ns
        if stopped() and not until_ns:
            until_ns = now_ns() + STOPPING_NS
            lab.stop_traffic()
        if until_ns and now_ns() > until_ns:
            raise RunError("stopped, and the traffic has not told its totals", [])

    follow(lab, lambda: lab.fire(what), what.plan, tell, look)
    result = figures(lab, dropped)
    if not result["ok"] and not result["errors"].get("status") and sum(result["errors"].values()):
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in result["errors"].items() if count)
        raise RunError(f"no request was answered by {what.title}: {kinds}", [])
    return {**result, **dict.fromkeys(SERVERS_OWN)}
