"""The servers that have joined, as the page of details lists them."""

from __future__ import annotations

from rich.text import Text

from looplab.model import Worker
from looplab.view.palette import Palette
from looplab.view.state import View


def servers(text: Text, view: View, look: Palette) -> None:
    """Name each process, its machine, how well its clock is known, and what it does not tell."""
    workers = view.model.workers
    if not view.model.joins or not workers:
        return
    text.append("Servers that joined\n", look.title)
    for worker in workers:
        text.append(f"  w{worker.number} ", look.bold)
        text.append(f"{_process(view, worker)}\n", look.text if worker.alive else look.dim)
        if worker.instruments and "gil" not in worker.instruments:
            text.append("     not told: why the process stands still as a whole\n", look.dim)
    text.append("\n")


def _process(view: View, worker: Worker) -> str:
    hello = worker.source.hello if worker.source is not None else None
    words = [f"PID {worker.pid}"]
    if worker.host:
        words.append(f"on {worker.host}")
    if (clock := view.clocks.get(worker.number)) is not None:
        words.append(f"its times ±{clock[1]:.1f} ms")
    if hello is not None:
        words.append(" ".join(part for part in ("Python", hello.python, hello.loop) if part))
        words.append(hello.root)
    if not worker.alive:
        words.append("gone")
    return ", ".join(words)
