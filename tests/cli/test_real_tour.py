"""The tour on board, told from the first key to the last in a real terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from terminals import ALTERNATE_OFF, CURSOR_ON, DEADLINE_S, Terminal

pytestmark = [pytest.mark.real, pytest.mark.pty]

HEAD = re.compile(
    r"^ (?P<sign>[◆●]) (?P<place>\d+)/(?P<count>\d+) "
    r".*? (?P<status>waits until|the answer|n goes on|the end)",
    re.MULTILINE,
)


def test_the_tour_is_told_to_its_end_by_one_key(environment: dict[str, str], tmp_path: Path) -> None:
    environment["LOOPLAB_DATA"] = str(tmp_path / "data")
    told: list[tuple[int, str]] = []
    terminal = Terminal(environment, "tour", columns=100, rows=30)

    def another(screen: str) -> tuple[int, int, str] | None:
        """Give the place and what leads on from it, once its state is reached."""
        head = HEAD.search(screen)
        if head is None or head["sign"] == "◆":
            return None
        found = int(head["place"]), head["status"]
        return None if told[-1:] == [found] else (found[0], int(head["count"]), found[1])

    try:
        while not told or told[-1][1] != "the end":
            place, count, status = terminal.wait_for(another, f"what comes after {told[-1:]}")
            told.append((place, status))
            if status != "the end":
                terminal.type("n")
        assert list(dict.fromkeys(place for place, _ in told)) == list(range(1, count + 1))
        assert count == 7
        terminal.type("q")
        assert terminal.process.wait(DEADLINE_S) == 0
        assert terminal.shows(ALTERNATE_OFF, CURSOR_ON), "the terminal is as it was"
        assert b"Traceback" not in terminal.drawn
    finally:
        terminal.close()
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
