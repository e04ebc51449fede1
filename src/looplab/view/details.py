"""The page of details: every verdict and what lies behind it, who paid, and what each resource can carry."""

from __future__ import annotations

import textwrap
from typing import Final

from rich.text import Text

from looplab.model import Ceiling, Little, Resource, StallRecord, Verdict, words
from looplab.model.stalls import Place
from looplab.view import format as write
from looplab.view.joined import servers
from looplab.view.paint import shortened
from looplab.view.palette import SIGNS, Palette
from looplab.view.panels.band import title
from looplab.view.state import View

_CULPRITS = 3
_BAR = 10
"""Cells of the bar that shows how much of a resource is used."""
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"


def page(view: View, look: Palette, width: int) -> Text:
    """Write the page of a moment, for a number of cells."""
    text = Text(style=look.text)
    told = view.verdicts
    if not told:
        text.append("Nothing to say yet.\n", look.dim)
    for verdict in told:
        _verdict(text, verdict, look, width)
    _payers(text, view, look, width)
    servers(text, view, look)
    if view.ceiling is not None:
        _ceilings(text, view.ceiling, look)
    if (little := view.statistics.little) is not None:
        _little(text, little, look, width)
    _batches(text, view, look)
    text.rstrip()
    return text


def _verdict(text: Text, verdict: Verdict, look: Palette, width: int) -> None:
    text.append(f"{SIGNS[verdict.severity]} ", look.marks[verdict.severity])
    text.append(f"{_indented(verdict.text, width)[2:]}\n", look.bold)
    for sentence in (*_sentences(verdict), *verdict.more):
        text.append(f"{_indented(sentence, width)}\n", look.text)
    text.append("\n")


def _payers(text: Text, view: View, look: Palette, width: int) -> None:
    """Name the places that held a loop, and what that cost the requests behind them."""
    model = view.model
    found: dict[Place, list[StallRecord]] = {}
    for worker in model.workers:
        worker.loop.delays.settle()
        for stall in worker.loop.stalls.longest:
            if stall.place.kind != "starved" and stall.victims:
                found.setdefault(stall.place, []).append(stall)
    if not found:
        return
    text.append("Who paid", look.title)
    text.append("   for the longest stalls, by the line that held the loop\n", look.dim)
    source = model.run.source if model.run is not None else ""
    cost = sorted(found.items(), key=lambda item: -sum(stall.delay_ns for stall in item[1]))
    for place, stalls in cost[:_CULPRITS]:
        held_ns = sum(stall.length_ns(stall.ended_ns) for stall in stalls)
        name = f"{words.where(place, source)} {place.function}".strip() or "unseen code"
        times = words.several(len(stalls), "time")
        text.append(f"  {shortened(name, width - 2)}\n", look.bold)
        waits = words.several(sum(stall.victims for stall in stalls), "wait")
        waited = words.length(sum(stall.delay_ns for stall in stalls))
        said = f"held the loop {times}, {words.length(held_ns)} in sum; {waits} behind it, {waited} in sum"
        text.append(f"{_indented(said, width)}\n", look.text)
        worst = max(stalls, key=lambda stall: stall.delay_ns)
        if worst.call:
            called = f"in {worst.call}" + (f", {worst.above}" if worst.above else "")
            text.append(f"{_indented(called, width)}\n", look.dim)
        if worst.mend and not any(worst.mend in sentence for told in view.verdicts for sentence in told.more):
            text.append(f"{_indented(worst.mend, width)}\n", look.text)
    text.append("\n")


def _indented(text: str, width: int) -> str:
    return textwrap.fill(text, width, initial_indent="  ", subsequent_indent="  ")


def _sentences(verdict: Verdict) -> list[str]:
    """Give the sentences of the detail; what it says of the ceiling stands in the table below."""
    found = [part.strip() for part in verdict.detail.split("   ")]
    return [part for part in found if part and not part.startswith("Ceiling ")]


def _ceilings(text: Text, ceiling: Ceiling, look: Palette) -> None:
    measured = f", measured {write.rate(ceiling.measured_rps)}" if ceiling.measured_rps else ""
    text.append("Ceilings", look.title)
    text.append(f"   {write.rate(ceiling.rps)} req/s ({ceiling.bottleneck}){measured}\n", look.dim)
    text.append(f"  {'resource':<14} {'slots':>6} {'held each':>10} {'at most':>14}  used\n", look.dim)
    for resource in ceiling.resources:
        _resource(text, resource, resource.name == ceiling.bottleneck, look)
    text.append("  at most = slots ÷ time for which a request holds one\n", look.dim)


def _little(text: Text, little: Little, look: Palette, width: int) -> None:
    """Set the mean number in flight against throughput times latency: two ways to count the same."""
    text.append("\nLittle's law", look.title)
    said = f"   {little.in_flight:.3g} in flight, {little.predicted:.3g} = req/s × mean latency"
    text.append(f"{said}, ratio {little.ratio:.2f}\n", look.text)
    if little.note:
        text.append(f"{_indented(little.note, width)}\n", look.dim)


def _batches(text: Text, view: View, look: Palette) -> None:
    """Say how many requests one piece of nobody's work has served."""
    pools = [(title(name, [pool]), pool) for (_, name), pool in sorted(view.pools.items()) if pool.batch_most]
    if not pools:
        return
    text.append("\nBatches", look.title)
    text.append("   requests that one use of a slot has served\n", look.dim)
    for name, pool in pools:
        said = f"{pool.batch_mean:.3g} on the mean, {pool.batch_most:,} in the largest"
        text.append(f"  {name:<14} {said}\n", look.text)


def _resource(text: Text, resource: Resource, lowest: bool, look: Palette) -> None:
    text.append("▸ " if lowest else "  ", look.accent)
    text.append(f"{shortened(resource.name, 14):<14} ", look.bold if lowest else look.text)
    held = _held(resource.holding_ms)
    if not resource.slots:
        text.append(f"{'–':>6} {held:>10} {'no limit':>14}\n", look.text)
        return
    at_most = f"{write.rate(resource.rps)} req/s"
    text.append(f"{resource.slots:>6,} {held:>10} {at_most:>14}  ", look.text)
    text.append(_bar(resource.utilisation), look.accent if lowest else look.dim)
    text.append(f" {resource.utilisation:>4.0%}\n", look.bold if lowest else look.text)


def _held(ms: float) -> str:
    return write.duration(ms) if ms >= 1 else f"{ms * 1000:.0f} µs"


def _bar(share: float) -> str:
    eighths = min(max(round(share * _BAR * 8), 0), _BAR * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_BLOCKS[part] if part else "")).ljust(_BAR)
