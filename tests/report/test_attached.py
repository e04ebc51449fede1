from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace
from rich.console import Console

from looplab.lab import attachment
from looplab.lab.attachment import instructions
from looplab.model import Model
from looplab.model.stalls import MOST_STALLS
from looplab.report.attached import Teller, table
from looplab.wire.clock import MS, S
from looplab.wire.events import PROTOCOL, Batch, Bye, ClockSet, Event, Hello, Notice, ProbeReport, Stall

FAR = Hello(PROTOCOL, 1, "server", 0, 41, "3.12", "asyncio", [], 1, 1, "far", "b", "/srv")


def stall(number: int, at_ms: int, length_ms: int) -> Stall:
    began, ended = at_ms * MS, (at_ms + length_ms) * MS
    return Stall(
        number, began, ended, ended, "blocked", 1, "/srv/app.py", 9, "read", "time.sleep(1)", [], 2, "sleep",
        "time.sleep",
    )  # fmt: skip


def told(model: Model, *events: Event, source: int = 1) -> None:
    model.apply(Batch(source, S, list(events)))


def row_of(model: Model) -> list[str]:
    console = Console(width=200, record=True, highlight=False)
    with console.capture() as text:
        console.print(table(model))
    return text.get().splitlines()[3].split()


def test_what_is_new_is_told_once() -> None:
    model, teller = Model(), Teller()
    told(model, attachment("shop", Path("/x/lab.sock")).announce(1, False, 1), source=0)
    told(
        model, Notice(1, "lab", "info", "worker 0 has joined"), Notice(2, "lab", "warning", "gone"), source=0
    )
    assert list(teller.lines(model, model.now_ns)) == ["worker 0 has joined", "▲ gone"]
    assert list(teller.lines(model, model.now_ns)) == []


def test_a_line_that_stalls_again_and_again_is_told_once_a_second_with_the_longest() -> None:
    model, teller = Model(), Teller()
    told(model, FAR, stall(1, 1_000, 200))
    (first,) = teller.lines(model, model.now_ns)
    assert first.startswith("● worker 0 blocked 200 ms  app.py:9 read  time.sleep(1)  → await asyncio.sleep")
    told(model, stall(2, 1_300, 210), stall(3, 1_600, 260), stall(4, 1_900, 205))
    assert list(teller.lines(model, model.now_ns)) == []
    # Also if it never stalls again: the longest may be among those that are not told yet.
    assert list(teller.lines(model, model.now_ns + S)) == [
        "● worker 0 blocked 260 ms, the longest of 3  app.py:9 read  time.sleep(1)"
    ]


def test_the_next_process_with_a_number_of_a_worker_does_not_tell_the_stalls_of_the_last_one_again() -> None:
    model, teller = Model(), Teller()
    told(model, FAR, stall(1, 1_000, 200))
    assert len(list(teller.lines(model, model.now_ns))) == 1
    told(model, Bye(2 * S, clean=True))
    told(model, FAR, source=2)
    assert list(teller.lines(model, model.now_ns)) == []
    told(model, stall(1, 5_000, 90), source=2)
    assert list(teller.lines(model, model.now_ns)) == [
        "● worker 0 blocked 90 ms  app.py:9 read  time.sleep(1)"
    ]


def test_a_stall_is_told_however_many_longer_ones_there_were() -> None:
    model, teller = Model(), Teller()
    told(model, FAR, *(stall(number, number * 1_000, 300) for number in range(1, MOST_STALLS + 1)))
    assert len(list(teller.lines(model, model.now_ns))) == 1
    told(model, stall(MOST_STALLS + 1, (MOST_STALLS + 5) * 1_000, 60))
    assert [line.partition("  ")[0] for line in teller.lines(model, model.now_ns)] == [
        "● worker 0 blocked 60 ms"
    ]


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        ("gc", "generation 2", "a garbage collection (generation 2)"),
        ("starved", "stopped", "the process was stopped by a signal"),
        ("starved", "", "the machine had no CPU for it"),
        ("blocked", "", "no code of yours was seen"),
    ],
)
def test_a_stall_without_a_line_says_what_it_was(
    kind: Literal["gc", "starved", "blocked"], detail: str, words: str
) -> None:
    model, teller = Model(), Teller()
    nowhere = replace(
        stall(1, 1_000, 200), kind=kind, detail=detail, file="", line=0, function="", source="", call=""
    )
    told(model, FAR, nowhere)
    assert list(teller.lines(model, model.now_ns)) == [f"● worker 0 {kind} 200 ms  {words}"]


def test_a_lab_that_nobody_joined_says_so() -> None:
    assert table(Model()) == "No server has joined."


def test_the_table_counts_the_requests_of_all_processes_that_had_the_number() -> None:
    model = Model()
    told(model, FAR, ProbeReport(S, 1, 0, 0, 30, 30), Bye(2 * S, clean=True))
    told(model, FAR, ProbeReport(3 * S, 1, 0, 0, 4, 4), source=2)
    assert row_of(model)[:8] == ["w0", "41", "on", "far,", "last", "of", "2", "34"]


def test_the_table_names_process_machine_and_clock() -> None:
    model = Model()
    told(model, FAR, ClockSet(1, 5, 800_000), stall(1, 1_000, 200))
    row = row_of(model)
    assert row[:5] == ["w0", "41", "on", "far", "±0.8"]
    assert row[-3:] == ["200", "ms", "app.py:9"]


def test_paths_are_quoted_for_the_shell() -> None:
    assert "export LOOPLAB_SOCKET='/a b/lab.sock'" in instructions(Path("/a b/lab.sock"))[0][1]
