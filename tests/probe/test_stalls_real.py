"""Stalls of known length in real servers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from probe_help import APPS, Lab, Server

from looplab.wire.clock import MS
from looplab.wire.events import Bye, LoopSample, Phase, Run, Stall

pytestmark = pytest.mark.real
loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
TRUTH = APPS / "truth.py"
ATTEMPTS = 5
"""A busy machine may hold up any one report; what is promised is what an undisturbed one shows."""


def line_of(text: str, file: Path = TRUTH) -> int:
    return 1 + next(
        index for index, line in enumerate(file.read_text().splitlines()) if line.strip().endswith(text)
    )


async def stalled(lab: Lab, server: Server, path: str) -> tuple[dict[str, int], list[Stall]]:
    """Ask for a stall; give the application's truth and all reports about the stall that contains it."""
    truth = (await server.get(path)).json()

    def whole() -> list[Stall]:
        for reports in lab.stalls().values():
            last = reports[-1]
            if last.ended_ns and last.began_ns <= truth["ended_ns"] and last.ended_ns >= truth["began_ns"]:
                return reports
        return []

    return truth, await lab.until(whole)


@loops
@pytest.mark.parametrize("seconds", [0.06, 0.2, 1.0])
async def test_a_stall_has_its_place_and_its_true_length(lab: Lab, loop: str, seconds: float) -> None:
    excess = []
    async with lab.serve(loop=loop) as server:
        for attempt in range(1, ATTEMPTS + 1):
            truth, reports = await stalled(lab, server, f"/stall?seconds={seconds}")
            stall = reports[-1]
            assert stall.number == attempt
            assert stall.kind == "blocked"
            assert stall.began_ns <= truth["began_ns"]
            assert stall.ended_ns >= truth["ended_ns"]
            request = next(event for event in lab.events if getattr(event[1], "rid", 0) == stall.rid)[1]
            assert getattr(request, "path", "/stall") == "/stall"
            excess.append(stall.ended_ns - stall.began_ns - (truth["ended_ns"] - truth["began_ns"]))
            if excess[-1] <= 10 * MS and stall.samples:
                break
    assert min(excess) <= 10 * MS
    assert (stall.file, stall.function) == (str(TRUTH), "stall")
    assert stall.line == line_of("# the line that blocks")
    assert stall.source == "time.sleep(seconds)  # the line that blocks"
    assert (stall.file, stall.line, stall.function) in stall.stack
    assert len(stall.stack) <= 32
    assert not any("looplab/probe/" in file for file, _, _ in stall.stack)


@loops
async def test_a_stall_is_reported_while_it_lasts(lab: Lab, loop: str) -> None:
    delays = []
    async with lab.serve(loop=loop) as server:
        for _ in range(ATTEMPTS):
            truth, reports = await stalled(lab, server, "/stall?seconds=1")
            first = reports[0]
            assert first.ended_ns == 0
            assert first.t_ns < truth["ended_ns"]
            assert first.line == line_of("# the line that blocks")
            delays.append(first.t_ns - first.began_ns)
            if delays[-1] <= 150 * MS and len(reports) > 5:
                break
    assert 50 * MS <= min(delays) <= 150 * MS
    assert [report.ended_ns for report in reports[:-1]] == [0] * (len(reports) - 1)
    samples = [report.samples for report in reports]
    assert samples == sorted(samples)


async def test_two_stalls_in_one_run_show_where_it_is_now_and_in_the_end_the_longest(lab: Lab) -> None:
    one, two = line_of("# the first of two"), line_of("# the second of two")
    async with lab.serve() as server:
        for _ in range(ATTEMPTS):
            _, reports = await stalled(lab, server, "/two-stalls?first=0.3&second=0.7")
            lines = [report.line for report in reports]
            if lines[0] == one and len(lines) > 5:
                break
    assert lines[0] == one
    assert lines == [one] * lines.count(one) + [two] * lines.count(two)
    assert lines[-1] == two


@loops
async def test_a_callback_that_belongs_to_no_request(lab: Lab, loop: str) -> None:
    apart = []
    async with lab.serve(loop=loop) as server:
        for _ in range(ATTEMPTS):
            truth, reports = await stalled(lab, server, "/callback?seconds=0.4")
            stall = reports[-1]
            apart.append(
                max(abs(stall.began_ns - truth["began_ns"]), abs(stall.ended_ns - truth["ended_ns"]))
            )
            if apart[-1] <= 12 * MS and stall.samples > 1:
                break
    assert min(apart) <= 12 * MS
    assert stall.rid == -1
    assert (stall.function, stall.line) == ("block", line_of("# a callback that blocks"))
    assert (stall.began_ns, stall.ended_ns) in [(run.began_ns, run.ended_ns) for run in lab.all(Run)]


@loops
async def test_the_loop_is_sampled_while_it_is_blocked(lab: Lab, loop: str) -> None:
    async with lab.serve(loop=loop) as server:
        for _ in range(ATTEMPTS):
            truth, (stall, *_) = await stalled(lab, server, "/stall?seconds=1")
            during = [
                sample
                for sample in lab.all(LoopSample)
                if truth["began_ns"] + 50 * MS < sample.t_ns < truth["ended_ns"]
            ]
            if len(during) > 10:
                break
        await server.stop()
        await lab.until(lambda: lab.all(Bye))
    assert len(during) > 10
    assert {(sample.rid, sample.since_ns) for sample in during} == {(stall.rid, stall.began_ns)}
    for earlier, later in pairwise(during):
        assert later.lag_ns - earlier.lag_ns == later.t_ns - earlier.t_ns
        assert later.busy_ns - earlier.busy_ns == later.t_ns - earlier.t_ns
    busy = [sample.busy_ns for sample in lab.all(LoopSample)]
    assert busy == sorted(busy)
    assert busy[-1] >= truth["ended_ns"] - truth["began_ns"]


@loops
async def test_a_run_is_blocking_from_its_fiftieth_millisecond_on(lab: Lab, loop: str) -> None:
    async with lab.serve(loop=loop) as server:
        await server.get("/two-stalls?first=0.2&second=0.2", headers={"x-looplab-id": "9"})
        request = await lab.finished(9)
        (stall,) = await lab.until(lambda: [stall for stall in lab.all(Stall) if stall.ended_ns])
    blocking = [since for phase, since in request.phases if phase == Phase.BLOCKING]
    assert blocking == [stall.began_ns + 50 * MS]
    assert request.ended_ns == stall.ended_ns
