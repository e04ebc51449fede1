"""oha: so many requests or so much time, and a rate with corrected latencies."""

from __future__ import annotations

from looplab.traffic.pieces import body, headers, kinds, ratio, seconds, varied
from looplab.traffic.plan import Plan

from .base import Equivalent, command, duration, file, statuses_differ, text

_CANNOT = {
    "ramping": "oha has no stages",
    "ramping-arrival-rate": "oha has one rate for all of a run",
    "websocket": "oha speaks no WebSocket",
    "upload": "oha sends a body at once",
}


def oha(plan: Plan, url: str, stem: str) -> Equivalent:
    """Write the command of `oha`."""
    if reason := _CANNOT.get(plan.executor):
        return Equivalent("oha", notes=(reason,))
    specs = kinds(plan)
    if varied(plan):
        return Equivalent("oha", notes=("oha has no variables, only --rand-regex-url",))
    if any((one.method, headers(one), one.body, one.json) != _how(plan) for one in specs):
        return Equivalent("oha", notes=("oha sends one method, body and set of headers to all of its URLs",))
    spec = specs[0]
    words = ["oha", "--no-tui", "-r", "0", "-t", duration(plan.timeout)]
    if not plan.keep_alive:
        words.append("--disable-keepalive")
    if plan.is_open:
        (rate,), _ = ratio([round(plan.rate) or 1])
        words += ["-z", duration(seconds(plan)), "-q", str(rate), "--latency-correction"]
        words += ["-c", str(plan.connections or plan.max_in_flight)]
    elif plan.executor == "burst":
        words += ["-n", str(plan.requests), "-c", str(plan.concurrency)]
    else:
        words += ["-z", duration(seconds(plan)), "-c", str(plan.users)]
    if spec.method != "GET":
        words += ["-m", spec.method]
    for name, value in headers(spec).items():
        words += ["-T", value] if name.lower() == "content-type" else ["-H", f"{name}: {value}"]
    if content := text(body(spec, ())):
        words += ["-d", content]
    if len(specs) == 1:
        return Equivalent("oha", command(*words, f"{url}{spec.path}"), tuple(_notes(plan)))
    shares, _ = ratio([one.weight for one in specs])
    urls = "\n".join(
        f"{url}{one.path}" for one, share in zip(specs, shares, strict=True) for _ in range(share)
    )
    lines = [file(f"{stem}.urls", urls), command(*words, "--urls-from-file", f"{stem}.urls")]
    return Equivalent("oha", "\n".join(lines), tuple(_notes(plan)))


def _how(plan: Plan) -> tuple[object, ...]:
    first = kinds(plan)[0]
    return (first.method, headers(first), first.body, first.json)


def _notes(plan: Plan) -> list[str]:
    notes = []
    if len(kinds(plan)) > 1:
        notes.append("the file repeats each URL by its weight, and oha picks one at random")
    if plan.executor == "burst" and plan.max_duration:
        notes.append(f"-n ends with the last answer; the plan is cut after {plan.max_duration:g} s")
    if plan.think:
        notes.append(f"oha has no think time: the plan's users wait {plan.think:g} s after each answer")
    if plan.is_open:
        if plan.rate != int(plan.rate):
            notes.append(f"the rate is rounded to a whole number from {plan.rate:g} a second")
        if plan.arrivals == "poisson":
            notes.append("its arrivals have equal distances; the plan's are independent (Poisson)")
        notes.append("--latency-correction gives the response latency, from the schedule on")
    if plan.executor == "stream":
        notes.append("oha tells when the whole body has come, not its first byte nor the gaps between chunks")
    if statuses_differ(plan):
        notes.append("oha lists all statuses; the plan expects others than 200 to 399")
    return notes
