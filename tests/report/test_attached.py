from __future__ import annotations

from pathlib import Path

from rich.console import Console

from looplab.lab import attachment
from looplab.lab.attachment import instructions
from looplab.model import Model
from looplab.report.attached import Teller, table
from looplab.wire.clock import MS, S
from looplab.wire.events import PROTOCOL, Batch, ClockSet, Event, Hello, Notice, Stall

FAR = Hello(PROTOCOL, 1, "server", 0, 41, "3.12", "asyncio", [], 1, 1, "far", "b", "/srv")


def stall(number: int, at_ms: int, length_ms: int) -> Stall:
    began, ended = at_ms * MS, (at_ms + length_ms) * MS
    return Stall(
        number, began, ended, ended, "blocked", 1, "/srv/app.py", 9, "read", "time.sleep(1)", [], 2, "sleep",
        "time.sleep",
    )  # fmt: skip


def told(model: Model, *events: Event, source: int = 1) -> None:
    model.apply(Batch(source, S, list(events)))


def test_what_is_new_is_told_once() -> None:
    model, teller = Model(), Teller()
    told(model, attachment("shop", Path("/x/lab.sock")).announce(1, False, 1), source=0)
    told(
        model, Notice(1, "lab", "info", "worker 0 has joined"), Notice(2, "lab", "warning", "gone"), source=0
    )
    assert list(teller.lines(model)) == ["worker 0 has joined", "▲ gone"]
    assert list(teller.lines(model)) == []


def test_a_line_that_stalls_again_and_again_is_told_once_a_second_with_the_longest() -> None:
    model, teller = Model(), Teller()
    told(model, FAR, stall(1, 1_000, 200))
    (first,) = teller.lines(model)
    assert first.startswith("● worker 0 blocked 200 ms  app.py:9 read  time.sleep(1)  → await asyncio.sleep")
    told(model, stall(2, 1_300, 210), stall(3, 1_600, 260))
    assert list(teller.lines(model)) == []
    told(model, stall(4, 3_000, 205))
    assert list(teller.lines(model)) == [
        "● worker 0 blocked 260 ms, the longest of 3  app.py:9 read  time.sleep(1)"
    ]


def test_the_table_names_process_machine_and_clock() -> None:
    model = Model()
    told(model, FAR, ClockSet(1, 5, 800_000), stall(1, 1_000, 200))
    console = Console(width=200, record=True, highlight=False)
    with console.capture() as text:
        console.print(table(model))
    row = text.get().splitlines()[3].split()
    assert row[:5] == ["w0", "41", "on", "far", "±0.8"]
    assert row[-3:] == ["200", "ms", "app.py:9"]


def test_paths_are_quoted_for_the_shell() -> None:
    assert "export LOOPLAB_SOCKET='/a b/lab.sock'" in instructions(Path("/a b/lab.sock"))[0][1]
