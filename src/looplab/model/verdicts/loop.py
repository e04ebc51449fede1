"""Lints of the event loop: what holds it, and whether it has any time left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from looplab.model import words
from looplab.model.mends import mend
from looplab.model.stalls import Place, PlaceSum, StallRecord
from looplab.model.verdicts.base import (
    BUSY_SHARE,
    HELD_SHARE,
    HOLD_NS,
    SHORTEST_NS,
    TEXT_COLUMNS,
    Verdict,
    busy_share,
    culprit,
    left_behind,
    run_length_ns,
    stalled_since,
    usual_lag_ns,
)
from looplab.wire.clock import MS, S

if TYPE_CHECKING:
    from looplab.model.model import Model
    from looplab.model.workers import Worker

HELD_ERROR_SHARE = 0.1
"""From this share on they are an error: a tenth of all arrivals finds the loop held."""

BUSY_LAG_NS = 100 * MS
"""With more lag than this all the time, many short runs do to everybody what a stall does: this is two of
the shortest stalls. Below it a closed model that sends as fast as it gets answers is only doing its job."""

COLLECTED_SHARE = 0.25
"""Short collections are the price of a busy Python process, 10 % with a trivial route at full speed; from a
quarter of the time on they are most of what is in the way."""

_DEEDS = {
    "sleep": "slept on the loop for",
    "lock": "waited for a lock on the loop for",
    "io": "waited for I/O on the loop for",
    "cpu": "computed on the loop for",
}
"""What a stall does, by `Stall.detail`."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a kind of stillness is called."""

    kind: Literal["blocked", "gil", "gc"]
    id: str
    now: str
    """Headline while it lasts; its length and place follow."""
    by: str
    was: str
    """Headline afterwards; a number of times follows."""
    name: str
    """In a few words."""
    help: str


BLOCKED = Wording(
    kind="blocked",
    id="loop-blocked",
    now="LOOP BLOCKED",
    by="by",
    was="The loop was blocked",
    name="loop blocked",
    help="One loop runs one thing at a time. Await what can be awaited, and give the rest to a thread.",
)
GIL = Wording(
    kind="gil",
    id="gil-held",
    now="GIL HELD",
    by="by",
    was="The GIL was held",
    name="GIL held",
    help="C code that keeps the GIL stops every thread of the process. Only another process helps.",
)
GC = Wording(
    kind="gc",
    id="garbage-collection",
    now="GARBAGE COLLECTION",
    by="in",
    was="Garbage collection stopped the loop",
    name="collected",
    help="gc.freeze() after the start, or fewer objects that live long, makes collections short.",
)


class LoopHeld:
    """Runs of 50 ms and more hold an event loop, and everybody on it waits."""

    def __init__(self, wording: Wording, live: bool) -> None:
        """With `live`, what lasts is said in the present tense; a report speaks of the run that is over."""
        self._wording = wording
        self._live = live

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say it while it lasts, or in sum once it is over."""
        live: tuple[int, int, Worker, StallRecord] | None = None
        leftovers = left_behind(model)
        # What others do to the server once the traffic is over is none of its verdict.
        for worker in model.workers if self._live and (leftovers or not model.finished) else ():
            stalls = worker.loop.stalls
            stall = stalls.present
            if stall is None and stalls.last is not None and stalls.last.ended_ns >= now_ns - HOLD_NS:
                stall = stalls.last
            if stall is None or stall.place.kind != self._wording.kind:
                continue
            end = stall.ended_ns
            if not end or worker.loop.open_since_ns >= end:
                # It lasts, or the next run has followed it and holds the loop.
                end = max(now_ns, stall.known_ns)
            held_ns = end - min(stalls.episode_ns, stall.began_ns)
            if live is None or held_ns > live[0]:
                live = held_ns, end, worker, stall
        if live is None:
            return self._past(model, now_ns)
        verdict = self._present(model, *live)
        return replace(verdict, detail=f"{leftovers}.", limits=False) if leftovers else verdict

    def _present(
        self, model: Model, held_ns: int, until_ns: int, worker: Worker, stall: StallRecord
    ) -> Verdict:
        wording = self._wording
        length = words.length(held_ns)
        loop = worker.loop
        culprits = loop.delays.culprits(loop.stalls.episode_ns) | {stall.rid}
        kept = "kept the GIL for" if wording.kind == "gil" else "held the loop"
        deed = _DEEDS.get(stall.detail, kept)
        who = _name(model, worker, stall.rid)
        text = f"{wording.now} {length} {wording.by} {culprit(model, stall.place)}"
        source = stall.place.source
        # Half a line says less than the call that it makes.
        whole = not stall.call or len(text) + 2 + len(source) <= TEXT_COLUMNS
        text = words.fit(text, f"  {source if whole else stall.call}", TEXT_COLUMNS)
        if len(culprits) > 1:
            run = words.length(stall.length_ns(until_ns))
            said = f"{len(culprits):,} runs in turn, now {who} for {run}"
        else:
            said = f"{who} {deed} {length}"
        said += _in_call(stall.call, text)
        behind = loop.delays.episode(loop.stalls.episode_ns, until_ns, model.waiting_for(worker))
        return Verdict(
            wording.id,
            "error",
            text,
            f"{said}; {_behind(behind.victims, behind.delay_ns)}.",
            f"{wording.name} {length}",
            self._helps(stall.call),
            limits=True,
        )

    def _helps(self, call: str) -> tuple[str, ...]:
        """Say what helps: against this call, if that is known, and against all such stalls."""
        instead = mend(call, self._wording is GIL)
        return (f"{call}: {instead}", self._wording.help) if instead else (self._wording.help,)

    def _past(self, model: Model, now_ns: int) -> Verdict | None:
        wording = self._wording
        sums: dict[Place, PlaceSum] = {}
        for worker in model.workers:
            for place, found in worker.loop.stalls.places.items():
                if place.kind == wording.kind:
                    sums.setdefault(place, PlaceSum()).merge(found)
        if not sums:
            return None
        count = sum(found.count for found in sums.values())
        sum_ns = sum(found.sum_ns for found in sums.values())
        share = sum_ns / run_length_ns(model, now_ns)
        if share < HELD_SHARE:
            return None
        model.requests.settle(now_ns)
        worst, found = max(sums.items(), key=lambda item: item[1].sum_ns)
        by = wording.by if len(sums) == 1 else f"most {wording.by}"
        text = f"{wording.was} {words.several(count, 'time')}"
        total, by_whom = f", {words.length(sum_ns)} in sum", f", {by} {culprit(model, worst)}"
        # The place is what the reader needs: its function and then the sum give way to it.
        shorter, _, _ = by_whom.rpartition(" ")
        if len(text) + len(total) + len(by_whom) <= TEXT_COLUMNS:
            text += total
        elif worst.file and len(text) + len(total) + len(shorter) <= TEXT_COLUMNS:
            text, by_whom = text + total, shorter
        source = f"{worst.source}   " if worst.source else ""
        delays = [worker.loop.delays for worker in model.workers]
        victims = sum(each.victims for each in delays)
        waited = _behind(victims, sum(each.delay_ns for each in delays)) if victims else ""
        return Verdict(
            wording.id,
            "error" if share >= HELD_ERROR_SHARE else "warning",
            words.cut(text + by_whom, TEXT_COLUMNS),
            f"{source}longest {words.length(found.max_ns)}{_in_call(found.call, worst.source)}"
            f"{'; ' if waited else ''}{waited}.",
            f"{wording.name} {count:,}×, {words.length(sum_ns)}",
            self._helps(found.call),
            limits=True,
        )


class GarbageCollection:
    """Collections as long as a stall, or very many shorter ones, take a share of the time."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say how much of the time the worst worker lost."""
        lost = max((worker.collections for worker in model.workers), key=lambda c: c.sum_ns, default=None)
        if lost is None or lost.longest is None:
            return None
        length_ns = max(run_length_ns(model, now_ns), SHORTEST_NS)
        share = lost.sum_ns / length_ns
        # A collection is long on a machine without a CPU for it, too.
        starved_ns = _starved(model).sum_ns
        if lost.long_ns - starved_ns < HELD_SHARE * length_ns and share < COLLECTED_SHARE:
            return None
        longest = lost.longest
        longest_ns = longest.ended_ns - longest.began_ns
        return Verdict(
            GC.id,
            "error" if share >= HELD_ERROR_SHARE else "warning",
            f"Garbage was collected {words.several(lost.count, 'time')}, {words.length(lost.sum_ns)} in sum",
            f"{share:.0%} of the time; longest {words.length(longest_ns)}, generation {longest.generation}.",
            f"{GC.name} {lost.count:,}×, {words.length(lost.sum_ns)}",
            (GC.help,),
            limits=True,
        )


class LoopBusy:
    """No run is long, and yet the loop has no time left.

    A busy loop by itself is no illness: a closed model drives every server at the ceiling of something,
    and a loop that is used to the full does its work. It is one when everybody waits for it as long as
    a stall would make them. So the first is information and the second a warning.
    """

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say how busy the busiest loop is, and how long one waits for it."""
        if run_length_ns(model, now_ns) < SHORTEST_NS or not model.started_ns:
            return None
        found = [
            (share, lag_ns)
            for worker in model.workers
            if (share := busy_share(model, worker, now_ns)) >= BUSY_SHARE
            and (lag_ns := self._lag_ns(model, worker, now_ns)) is not None
        ]
        if not found:
            return None
        share, lag_ns = max(found)
        ill = lag_ns >= BUSY_LAG_NS
        is_, wait = ("was", "waited") if model.finished else ("is", "waits")
        text = f"The loop {is_} held {share:.0%} of the time by short runs"
        return Verdict(
            "loop-busy",
            "warning" if ill else "info",
            f"{text}: each {wait} {words.length(lag_ns)}" if ill else text,
            "no run is a stall; there is more to do than one loop can."
            if ill
            else f"it carries the load, with {words.length(lag_ns)} of lag.",
            f"loop busy {share:.0%}",
            ("More workers share the work; work in threads of the same process does not.",),
            limits=True,
        )

    def _lag_ns(self, model: Model, worker: Worker, now_ns: int) -> int | None:
        """Give the usual lag; None if stalls explain why there is no time."""
        loop = worker.loop
        if not model.finished:
            return None if stalled_since(loop, now_ns - S) else usual_lag_ns(loop, now_ns)
        held_ns = sum(found.sum_ns for found in loop.stalls.places.values())
        return None if held_ns >= HELD_SHARE * run_length_ns(model, now_ns) else loop.lag_percentile(50)


class MachineLimited:
    """The machine had no CPU for the server: that is no fault of its code."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say for how long, if it was for longer than the code itself held the loop."""
        starved = _starved(model)
        held = sum(found.sum_ns for worker in model.workers for found in worker.loop.stalls.places.values())
        held -= starved.sum_ns
        share = starved.sum_ns / run_length_ns(model, now_ns)
        if not starved.count or share < HELD_SHARE or starved.sum_ns < held:
            return None
        return Verdict(
            "machine-limited",
            "warning",
            f"The server had no CPU {words.several(starved.count, 'time')},"
            f" {words.length(starved.sum_ns)} in sum",
            f"the machine is too busy for this run; longest {words.length(starved.max_ns)}.",
            f"no CPU {starved.count:,}×, {words.length(starved.sum_ns)}",
            ("Other processes, the traffic among them, take the cores that the server needs.",),
            limits=True,
        )


def _starved(model: Model) -> PlaceSum:
    """Give the stalls in which the machine had no CPU for the loop."""
    starved = PlaceSum()
    for worker in model.workers:
        for place, found in worker.loop.stalls.places.items():
            if place.kind == "starved":
                starved.merge(found)
    return starved


def _name(model: Model, worker: Worker, rid: int) -> str:
    """Name who holds the loop: a request by its number within the run, where it has one."""
    if rid <= 0:
        return "a callback" if rid else "an unseen run"
    source = worker.source
    request = source.requests.get(rid) if source is not None else None
    return f"#{request.number if request is not None else rid}"


def _in_call(call: str, text: str) -> str:
    """Name the call, where the text before it does not."""
    return f" in {call}" if call and call not in text else ""


def _behind(victims: int, delay_ns: int) -> str:
    if not victims:
        return "nobody else waited"
    return f"{victims:,} {'other' if victims == 1 else 'others'} waited {words.length(delay_ns)} in sum"
