"""Draw the picture of README.md: the lab itself, on a real server under real traffic."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from looplab.lab import Lab
from looplab.scenario import catalogue
from looplab.view.app import LoopLabApp
from looplab.view.choice import select
from looplab.view.svg import tidy

SIZE = (132, 40)
ENOUGH = 28
"""Requests answered when the picture is taken: about six seconds into a burst that blocks."""
DEADLINE_S = 30


async def draw(scenario: str, variant: str) -> str:
    """Run a variant on the screen, without a terminal, and give what it shows as SVG."""
    scenarios = catalogue()
    chosen = next(entry for entry in scenarios if entry.id == scenario)
    lab = Lab()
    lab.open()
    try:
        app = LoopLabApp(lab, scenarios, select(chosen, chosen.variant(variant)), depth="full")
        async with app.run_test(size=SIZE) as pilot, asyncio.timeout(DEADLINE_S):
            while (lab.model.traffic.ok if lab.model.traffic else 0) < ENOUGH:
                await pilot.pause(0.1)
            svg = app.export_screenshot(title="looplab")
    finally:
        lab.close()
    return tidy(svg)


if __name__ == "__main__":
    picture = Path(__file__).parent / "one-keyword.svg"
    picture.write_text(asyncio.run(draw("one-keyword", "async-blocking")))
    sys.stdout.write("docs/one-keyword.svg\n")
