"""The speaker's second terminal: it follows a lab over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from looplab.lab.notes import FoundLab, Notes, NotesDesk
from looplab.view.palette import palette
from looplab.view.screens.notes import NotesApp, head, page, verdict
from looplab.wire.clock import S

NOTES = Notes(
    talk="Two scenes",
    scene="One keyword",
    variant="async def + time.sleep",
    place=2,
    count=7,
    text="And now?",
    status="waits until loop lag > 500 ms; now 210 ms",
    notes="Point at the staircase.",
    next="Everybody waits for one.",
    verdict="LOOP BLOCKED 2.84 s by app.py:31",
    severity="error",
    began_ns=10 * S,
    step_ns=100 * S,
)


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        yield Path(folder)


def shown(app: NotesApp, name: str) -> str:
    return str(app.query_one(f"#{name}", Static).render())


async def until(pilot: Pilot[None], app: NotesApp, name: str, text: str) -> None:
    """Wait for a text; the test's own deadline ends what never comes."""
    while text not in shown(app, name):
        await pilot.pause(0.01)


def test_the_page_has_what_a_speaker_needs() -> None:
    look = palette()
    line = head(NOTES, look, 165 * S, 80).plain
    assert line.startswith(" Two scenes   step 2 of 7")
    assert line.endswith("talk 02:35   step 01:05 ")
    assert len(line) == 80
    text = page(NOTES, look).plain
    assert [
        text.index(part) for part in ("And now?", "waits until", "Point at", "Everybody", "time.sleep")
    ] == (
        sorted(
            text.index(part) for part in ("And now?", "waits until", "Point at", "Everybody", "time.sleep")
        )
    )
    assert verdict(NOTES, look).plain == " ■ LOOP BLOCKED 2.84 s by app.py:31"
    # Before the first step there is no time yet, and at the end nothing comes.
    assert head(Notes(scene="Hello"), look, S, 60).plain.strip() == "Hello"
    assert "n begins the steps" in page(Notes(), look).plain
    assert "the end" in page(Notes(), look).plain


async def test_it_follows_a_lab_to_its_end_and_then_the_next(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("looplab.view.screens.notes.SEARCH_S", 0.01)
    found: list[FoundLab] = []
    desk = NotesDesk(place / "a")
    await desk.start()
    desk.tell(NOTES)
    app = NotesApp(place / "a", lambda: found, clock=lambda: 165 * S)
    async with app.run_test(size=(80, 24)) as pilot:
        async with asyncio.timeout(30):
            await until(pilot, app, "notes", "Point at the staircase.")
            assert "step 2 of 7" in shown(app, "head")
            assert "LOOP BLOCKED" in shown(app, "verdict")
            desk.tell(Notes(text="Fewer users."))
            await until(pilot, app, "notes", "Fewer users.")
            await desk.close()
            await until(pilot, app, "notes", "The lab has ended.")
            desk = NotesDesk(place / "b")
            await desk.start()
            desk.tell(Notes(text="Another talk."))
            found.append(FoundLab(place / "b", 0.0, Notes()))
            await until(pilot, app, "notes", "Another talk.")
            assert "has ended" not in shown(app, "notes")
        await pilot.press("q")
    assert not app.is_running
    await desk.close()
