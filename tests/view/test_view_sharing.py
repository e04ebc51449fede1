from __future__ import annotations

from pathlib import Path

import pytest
from stage import Stage, played, view_at
from streams import START_NS

from looplab import __version__
from looplab.view.sharing import verdict_text
from looplab.wire.clock import S


def test_a_verdict_reads_without_the_screen() -> None:
    text = verdict_text(view_at(played("async-blocking"), START_NS + 3 * S, 100))
    first, *others, last = text.splitlines()
    assert first.startswith("■ LOOP BLOCKED ")
    assert "app.py:" in first
    assert "  Ceiling 5.0 req/s (event loop), measured 4.7" in others
    assert last == f"  one-keyword › async-blocking, delay 0.1 s, 100 at once, looplab {__version__}"
    assert all(line.startswith("  ") for line in others)


async def test_the_verdict_goes_to_the_clipboard_and_the_screen_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=(120, 36)) as pilot:
        await stage.play(pilot, START_NS + 3 * S)
        await pilot.press("y")
        assert stage.app.clipboard.startswith("■ LOOP BLOCKED ")
        assert "verdict copied" in stage.app.choice.hint
        await pilot.press("l", "P")
        assert "picture saved" in stage.app.choice.hint
    (picture,) = list(tmp_path.iterdir())  # noqa: ASYNC240
    assert picture.name == "looplab-one-keyword-async-blocking-1.svg"
    assert "looplab" in picture.read_text("utf-8")
