"""Lints of the server as a process, of its answers, and of where the run stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from looplab.model import words
from looplab.model.streams import talks
from looplab.model.verdicts.base import TEXT_COLUMNS, Verdict, left_behind

if TYPE_CHECKING:
    from looplab.model.model import Model

FAILED_SHARE = 0.01
"""From this share on, failed requests are the first thing to know."""


class ServerFailed:
    """The server did not start, ended by itself, or waits for code that can be loaded."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say the reason, and the last line of its output."""
        server = model.server
        if server is None or server.state not in ("failed", "broken"):
            return None
        log = next((line.strip() for line in reversed(server.log) if line.strip()), "")
        text = words.cut(server.reason or "The server failed", TEXT_COLUMNS)
        return Verdict("server-failed", "error", text, log, "server failed")


class TrafficFailed:
    """The traffic process ended in disorder."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say the reason; where it does not fit, what helps stands behind it."""
        if model.traffic_failed is None:
            return None
        reason = model.traffic_failed.reason
        said, help = reason, ""
        if len(reason) > TEXT_COLUMNS:
            said, _, help = reason.partition(": ")
        text = words.cut(said[:1].upper() + said[1:], TEXT_COLUMNS)
        return Verdict("traffic-failed", "error", text, help, "traffic failed")


class WorkerLost:
    """A worker broke off although its server goes on."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say which worker is gone without a goodbye."""
        if model.server is None or model.server.state != "ready":
            return None
        lost = [worker for worker in model.workers if not worker.alive and not worker.clean]
        if not lost:
            return None
        numbers = ", ".join(str(worker.number) for worker in lost)
        noun = "Worker" if len(lost) == 1 else "Workers"
        return Verdict(
            "worker-lost",
            "error",
            f"{noun} {numbers} died without a goodbye",
            "what it had open has ended with it",
            f"{len(lost)} lost",
        )


class RequestsFailed:
    """Requests that got no good answer."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say how many failed, and how."""
        if model.traffic is None or not any(model.traffic.errors.values()):
            return None
        figures = model.statistics()
        failed, done = figures.failed, figures.failed + figures.ok
        if not failed or failed < FAILED_SHARE * done:
            return None
        kinds = sorted(((n, kind) for kind, n in (figures.errors or {}).items() if n > 0), reverse=True)
        return Verdict(
            "requests-failed",
            "error",
            f"{failed:,} of {words.several(done, 'request')} failed",
            ", ".join(f"{count:,} {kind}" for count, kind in kinds),
            f"{failed:,} failed",
        )


class Standing:
    """Where the run stands, for the time in which there is nothing else to say."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say whether the server starts, is ready, or the traffic is over."""
        server = model.server
        if model.joins and model.traffic is None:
            return _joined(model)
        if server is not None and server.state == "stopped":
            return Verdict("stopped", "info", "The server is stopped", "", "stopped")
        if model.finished and model.traffic_failed is None:
            text = f"The traffic is over: {_achieved(model)}"
            return Verdict("done", "info", text, left_behind(model), "done")
        if server is None or server.state == "starting":
            return Verdict("starting", "info", "The server starts", "", "starting")
        if server.state == "ready" and not model.finished and not (model.traffic and model.traffic.running):
            return Verdict("idle", "info", "The server is ready, there is no traffic", "", "idle")
        return None


def _joined(model: Model) -> Verdict:
    """Say who is there, of servers that come by themselves."""
    there = [worker for worker in model.workers if worker.alive]
    if not there:
        text = (
            "All servers have left; the next one is waited for" if model.workers else "No server has joined"
        )
        return Verdict("idle", "info", text, "", "idle")
    text = "A server has joined" if len(there) == 1 else f"{len(there)} workers have joined"
    done = words.several(model.flow.foreign.count, "request")
    return Verdict("joined", "ok", f"{text}, and no loop stands still", f"{done} so far", "joined")


def _achieved(model: Model) -> str:
    """Say what the traffic has come to."""
    figures = model.statistics()
    if model.traffic is not None and talks(model.traffic):
        heard = words.several(figures.messages_received, "message")
        return f"{words.several(figures.ok, 'WebSocket')} ended well, {heard} came"
    speed = f" at {words.rate(figures.rps)} req/s" if figures.rps else ""
    return f"{words.several(figures.ok, 'request')} answered{speed}"
