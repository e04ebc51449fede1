"""A gunicorn worker whose threads all stand still: told by the lab while it lasts, by the probe after."""

from __future__ import annotations

import asyncio
import sys

import pytest
from probe_help import APPS, Lab, Server

from looplab.model import Model
from looplab.wire.events import Batch, Collection, Hello, LoopSample, RunStarted, Stall

pytestmark = pytest.mark.real
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel must count")

APP = APPS / "wsgi_stillness.py"
SYNC = ("--workers", "1")
FOUR_THREADS = ("--workers", "1", "--threads", "4")
ATTEMPTS = 8
"""A busy machine may hold up any one report; what is promised is what an undisturbed one shows."""


def line_of(text: str) -> int:
    return 1 + next(
        number for number, line in enumerate(APP.read_text().splitlines()) if line.endswith(f"  {text}")
    )


async def ask(server: Server, path: str, client: int) -> dict[str, int]:
    response = await server.get(path, headers={"x-looplab-id": str(client), "connection": "close"})
    return response.json()  # type: ignore[no-any-return]


async def stilled(lab: Lab, server: Server, path: str, client: int) -> tuple[dict[str, int], list[Stall]]:
    """Stand still; give the truth and the reports about that time, the end last, by whomever."""
    truth = await ask(server, path, client)

    def about() -> list[Stall]:
        found = [stall for stall in lab.all(Stall) if stall.t_ns > truth["began_ns"]]
        ended = sorted((stall for stall in found if stall.ended_ns), key=lambda stall: stall.number)
        return [stall for stall in found if not stall.ended_ns] + ended[-1:] if ended else []

    return truth, await lab.until(about)


@linux
@pytest.mark.parametrize("threads", [SYNC, FOUR_THREADS], ids=["sync", "gthread"])
@pytest.mark.parametrize(
    ("path", "line", "call"),
    [
        ("/library?ms=500", "# keeps the GIL and sleeps", "library.usleep"),
        ("/re?letters=24", "# keeps the GIL by an expression", "re.match"),
    ],
)
async def test_who_keeps_the_gil_is_told_with_line_and_request(
    sentry: Lab, threads: tuple[str, ...], path: str, line: str, call: str
) -> None:
    wrong = []
    async with sentry.serve_wsgi(*threads, app="wsgi_stillness:app") as server:
        (hello,) = await sentry.until(lambda: sentry.all(Hello))
        for client in range(1, ATTEMPTS + 1):
            truth, reports = await stilled(sentry, server, path, client)
            request = await sentry.finished(client)
            live, own = reports[:-1], reports[-1]
            told = {(stall.kind, stall.line) for stall in live if stall.t_ns < truth["ended_ns"]}
            if (
                told == {("gil", line_of(line))}
                and (own.kind, own.rid) == ("gil", request.rid)
                and own.number > 0
            ):
                break
            wrong.append(reports)
        # Nothing here is a loop, and so nothing is late.
        assert not sentry.all(LoopSample)
    assert len(wrong) < ATTEMPTS, wrong
    assert {stall.call for stall in live} == {call}
    assert own.call == call
    assert {"gil", "gc"} <= set(hello.instruments)
    assert own.began_ns <= truth["ended_ns"]
    assert own.ended_ns >= truth["began_ns"]

    model = Model()
    model.apply(Batch(0, 1, [RunStarted(1, 7, "s", "v", "t", {}, "gunicorn", 1, 1, str(APP), "f")]))
    model.apply(Batch(1, 1, [hello]))
    model.apply(Batch(1, 2, [live[0]]))
    said = model.verdicts(live[0].t_ns)[0]
    assert (said.id, said.text.startswith("GIL HELD")) == ("gil-held", True)
    assert f"by wsgi_stillness.py:{line_of(line)}" in said.text
    model.apply(Batch(1, 2, [own]))
    assert model.workers[0].loop.present_stall is None
    assert [stall.place.line for stall in model.workers[0].loop.stalls.longest] == [line_of(line)]


@pytest.mark.parametrize("threads", [SYNC, FOUR_THREADS], ids=["sync", "gthread"])
async def test_a_collection_is_told(lab: Lab, threads: tuple[str, ...]) -> None:
    async with lab.serve_wsgi(*threads, app="wsgi_stillness:app") as server:
        truth = await ask(server, "/collect?cycles=200000", 1)
        collections = await lab.until(
            lambda: [found for found in lab.all(Collection) if found.began_ns >= truth["began_ns"]]
        )
    found = collections[0]
    assert (found.generation, found.collected >= 200_000) == (2, True)
    assert truth["began_ns"] <= found.began_ns < found.ended_ns <= truth["ended_ns"]


async def test_threads_that_compute_in_turn_are_no_stall(lab: Lab) -> None:
    async with lab.serve_wsgi(*FOUR_THREADS, app="wsgi_stillness:app") as server:
        await asyncio.gather(*(ask(server, "/compute?ms=300", client) for client in range(1, 5)))
        for client in range(1, 5):
            await lab.finished(client)
        await server.stop()
    assert not [stall for stall in lab.all(Stall) if stall.kind == "gil"]
