"""The limits of a gate: what each measures, and whether a run held it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from looplab.model import guilt, guilt_words
from looplab.model.guilt import WAITS, Finding, Held
from looplab.model.histogram import SAMPLES_BEYOND
from looplab.model.mends import mend
from looplab.model.words import length, several
from looplab.wire.clock import MS

from .figures import count, duration, rate

SHORTEST_STALL_MS = 50.0
"""A shorter hold is no stall for the probe: where it was is not known."""

STARVED_SHARE = 0.5
"""A loop that was ready and had no CPU for more of its time was measured less than the machine was."""

MOST_STALLS = 20
"""Stalls that a check tells one by one."""


P95_ANSWERS = SAMPLES_BEYOND * 100 // (100 - 95)
"""With fewer the percentile is the luck of single answers."""


@dataclass(frozen=True)
class Limits:
    """What is allowed; None is not asked."""

    max_stall_ms: float | None = None
    max_lag_p99_ms: float | None = None
    max_p95_ms: float | None = None
    min_rps: float | None = None
    max_errors: int | None = None
    assumed: bool = False
    """Whether nobody has asked for these: one that does not apply to the server is let pass then."""


@dataclass(frozen=True)
class Evidence:
    """What one run has given."""

    result: Mapping[str, Any]
    """The RUN."""
    stalls: Sequence[Held]
    lacked_share: float
    """Share of its time for which the loop that was worst off was ready and had no CPU."""
    folder: str
    """Of the app: paths are told from it."""
    partial: bool
    """Whether there were more stalls than these, which are the longest."""
    is_open: bool
    """Whether requests came at a rate, so that the latency counts from when each was due."""

    def unfit(self, holds: bool) -> str:
        """Say why figures of time prove nothing about the server; empty if they do.

        Of a busy machine only what does not hold is in doubt: with more CPU it would hold all the more.
        """
        if self.result["client_limited"]:
            limits = self.result["client"]["limits"]
            return f"the client, not the server, was the limit: it {limits[0]['text']}"
        if self.lacked_share > STARVED_SHARE and not holds:
            share = f"{self.lacked_share:.0%}"
            return f"the machine was too busy: the server was ready and had no CPU {share} of its time"
        return ""


@dataclass(frozen=True)
class Check:
    """One limit, tested by one run."""

    name: str
    limit: float
    unit: str
    measured: float | None
    holds: bool | None
    """None if the run says nothing about it."""
    text: str
    """What was found, one sentence with its numbers."""
    detail: str = ""
    """The guilty lines, with their stacks."""
    stalls: Sequence[Mapping[str, Any]] = field(default_factory=list)
    again: bool = True
    """Whether another run may find something else."""


def judge(limits: Limits, evidence: Evidence) -> tuple[list[Check], list[str]]:
    """Test limits by a run.

    Returns:
        A check for each, and what was seen that is nobody's fault.
    """
    checks: list[Check] = []
    notes: list[str] = []
    has_loop = any(loop["lag_ms"]["max"] is not None for loop in evidence.result["loops"])
    if limits.max_stall_ms is not None:
        if has_loop:
            finding = guilt.judge(evidence.stalls, round(limits.max_stall_ms * MS), evidence.partial)
            checks.append(_stalls(limits.max_stall_ms, finding, evidence))
            notes += guilt_words.excuses(finding, evidence.folder)
        elif not limits.assumed:
            checks.append(_loopless("max-stall", limits.max_stall_ms))
        else:
            notes.append("this server has no event loop, so no stall was looked for")
    if limits.max_lag_p99_ms is not None:
        lag = _lag(limits.max_lag_p99_ms, evidence)
        checks.append(lag if has_loop else _loopless("max-lag-p99", limits.max_lag_p99_ms))
    if limits.max_p95_ms is not None:
        checks.append(_p95(limits.max_p95_ms, evidence))
    if limits.min_rps is not None:
        checks.append(_rps(limits.min_rps, evidence))
    if limits.max_errors is not None:
        checks.append(_errors(limits.max_errors, evidence))
    if dropped := evidence.result["dropped_events"]:
        notes.append(f"{several(dropped, 'event')} of the probe did not arrive, stalls may be among them")
    return checks, notes


def _stalls(limit_ms: float, finding: Finding, evidence: Evidence) -> Check:
    longest = max((held.length_ns for held in finding.failures), default=0)
    if not finding.failures:
        text = f"nothing held the event loop for more than {length(finding.limit_ns)}"
        if not evidence.result["requests"]:
            return Check("max-stall", limit_ms, "ms", None, None, "not a single request was sent")
        return Check("max-stall", limit_ms, "ms", _longest_ms(evidence), True, text)
    return Check(
        "max-stall",
        limit_ms,
        "ms",
        round(longest / MS, 3),
        False,
        guilt_words.sentence(finding, evidence.folder),
        guilt_words.account(finding, evidence.folder),
        list(_told(finding, evidence.folder)),
        again=not any(held.detail in WAITS for held in finding.failures),
    )


def _longest_ms(evidence: Evidence) -> float:
    """Give the longest stall that the code has made; 0 if all holds were shorter than a stall."""
    own = [held.length_ns for held in evidence.stalls if not held.excused]
    return round(max(own, default=0) / MS, 3)


def _told(finding: Finding, folder: str) -> Iterator[dict[str, Any]]:
    for stalls in finding.places[:MOST_STALLS]:
        held = stalls[0]
        place = held.place
        yield {
            "ms": round(held.length_ns / MS, 3),
            "times": len(stalls),
            "sum_ms": round(guilt.sum_ns(stalls) / MS, 3),
            "lacked_ms": round(held.lacked_ns / MS, 3),
            "collected_ms": round(held.collected_ns / MS, 3),
            "where": guilt_words.culprit(held, folder) if place.file else "",
            "file": place.file,
            "line": place.line,
            "function": place.function,
            "source": place.source,
            "call": held.called,
            "mend": mend(held.called, keeps_gil=place.kind == "gil"),
            "kind": place.kind,
            "detail": held.detail,
            "stack": [{"file": file, "line": line, "function": name} for file, line, name in held.stack],
        }


def _lag(limit_ms: float, evidence: Evidence) -> Check:
    measured = max(
        (found for loop in evidence.result["loops"] if (found := loop["lag_ms"]["p99"]) is not None),
        default=None,
    )
    if measured is None:
        return _unknown("max-lag-p99", limit_ms, "ms", None, "the lag of the event loop was never told")
    text = f"lag p99 of the event loop was {duration(measured)}; {duration(limit_ms)} are allowed"
    return _fit("max-lag-p99", limit_ms, "ms", measured, measured <= limit_ms, text, evidence)


def _p95(limit_ms: float, evidence: Evidence) -> Check:
    kind = "response" if evidence.is_open else "service"
    latency = evidence.result["latency_ms"][kind]
    measured, n = latency["p95"], latency["n"]
    if measured is None:
        # Few answers tell at least half of it, and p95 is above that.
        for lower in ("p90", "p50"):
            if (low := latency[lower]) is not None and low > limit_ms:
                text = f"{lower} of the {kind} latency was {duration(low)} already, over {count(n)} answers"
                text += f"; {duration(limit_ms)} are allowed for p95"
                return _fit("max-p95", limit_ms, "ms", low, False, text, evidence)
        reason = f"p95 needs {P95_ANSWERS} answers, and there were {count(n)}; let it run for longer"
        return _unknown("max-p95", limit_ms, "ms", None, reason)
    text = f"p95 of the {kind} latency was {duration(measured)} over {count(n)} answers"
    text += f"; {duration(limit_ms)} are allowed"
    return _fit("max-p95", limit_ms, "ms", measured, measured <= limit_ms, text, evidence)


def _rps(limit: float, evidence: Evidence) -> Check:
    measured = evidence.result["rps"] or 0.0
    text = f"{rate(measured)} requests a second were answered well; {rate(limit)} are asked for"
    return _fit("min-rps", limit, "req/s", measured, measured >= limit, text, evidence)


def _errors(limit: int, evidence: Evidence) -> Check:
    result = evidence.result
    failed = sum(result["errors"].values())
    kinds = ", ".join(
        f"{count(number)} by {kind}" for kind, number in sorted(result["errors"].items()) if number
    )
    text = f"{count(failed)} of {several(result['requests'], 'request')} failed"
    text += f" ({kinds}); {count(limit)} are allowed" if failed else ""
    if not result["requests"]:
        return _unknown("max-errors", limit, "requests", None, "not a single request was sent")
    return Check("max-errors", limit, "requests", failed, failed <= limit, text)


def _fit(
    name: str, limit: float, unit: str, measured: float, holds: bool, text: str, evidence: Evidence
) -> Check:
    """Make a check of a figure of time, which says nothing where the server was not what was measured."""
    if unfit := evidence.unfit(holds):
        return Check(name, limit, unit, measured, None, f"{text}; {unfit}")
    return Check(name, limit, unit, measured, holds, text)


def _unknown(name: str, limit: float, unit: str, measured: float | None, reason: str) -> Check:
    return Check(name, limit, unit, measured, None, reason, again=False)


def _loopless(name: str, limit_ms: float) -> Check:
    reason = f"this server has no event loop; leave --{name} away, --max-p95 works with every server"
    return _unknown(name, limit_ms, "ms", None, reason)
