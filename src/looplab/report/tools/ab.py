"""ApacheBench: one URL, so many requests, so many at once."""

from __future__ import annotations

import math

from looplab.traffic.pieces import body, headers, kinds, seconds, varied
from looplab.traffic.plan import Plan

from .base import Equivalent, command, statuses_differ, text, whole

_FASTEST_RPS = 100_000
"""A rate that no server of the lab reaches: `-t` alone ends after 50,000 requests, and ab has memory for as
many as `-n` says."""

_CANNOT = {
    "ramping": "ab has no stages",
    "arrival-rate": "ab has no schedule: each connection sends again when it has its answer",
    "ramping-arrival-rate": "ab has no schedule: each connection sends again when it has its answer",
    "websocket": "ab speaks no WebSocket",
    "upload": "ab sends a body at once",
}


def ab(plan: Plan, url: str, stem: str) -> Equivalent:
    """Write the command of `ab`."""
    if reason := _CANNOT.get(plan.executor):
        return Equivalent("ab", notes=(reason,))
    if len(kinds(plan)) > 1:
        return Equivalent("ab", notes=("ab asks for one URL, and the mix has several",))
    if varied(plan):
        return Equivalent("ab", notes=("ab sends the same request each time: it has no variables",))
    (spec,) = kinds(plan)
    lines = []
    words = ["ab", "-l", "-q", "-r"]
    if plan.keep_alive:
        words.append("-k")
    limit = plan.max_duration if plan.executor == "burst" else seconds(plan)
    if limit:
        # Before -n: it sets a number of requests of its own.
        words += ["-t", whole(limit)]
    requests = plan.requests if plan.executor == "burst" else math.ceil(seconds(plan) * _FASTEST_RPS)
    words += ["-n", str(requests), "-c", str(min(plan.concurrency or plan.users, requests))]
    words += ["-s", whole(plan.timeout)]
    content = text(body(spec, ()))
    if content or spec.method in ("POST", "PUT"):
        lines.append(f"printf %s {command(content)} > {command(f'{stem}.body')}")
        words += ["-u" if spec.method == "PUT" else "-p", f"{stem}.body"]
    if spec.method == "HEAD":
        words.append("-i")
    elif spec.method not in ("GET", "POST", "PUT"):
        words += ["-m", spec.method]
    for name, value in headers(spec).items():
        words += ["-T", value] if name.lower() == "content-type" else ["-H", f"{name}: {value}"]
    lines.append(command(*words, f"{url}{spec.path}"))
    return Equivalent("ab", "\n".join(lines), tuple(_notes(plan)))


def _notes(plan: Plan) -> list[str]:
    notes = [
        "ab speaks HTTP/1.0: where the server closes after each answer of that, as uvicorn does, "
        "-k changes nothing and every request opens a connection"
        if plan.keep_alive
        else "without -k every request opens a connection, as the plan says"
    ]
    if plan.think:
        notes.append(f"ab has no think time: the plan's users wait {plan.think:g} s after each answer")
    if plan.executor == "stream":
        notes.append("ab tells when the whole body has come, not its first byte nor the gaps between chunks")
    if statuses_differ(plan):
        notes.append("ab counts what is not 2xx apart; the plan expects other statuses")
    return notes
