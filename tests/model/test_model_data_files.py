"""Events in, table out: each data file is one story."""

from __future__ import annotations

from pathlib import Path

import pytest
from datafile import play

FILES = sorted((Path(__file__).parent / "data").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_data_file_gives_its_table(path: Path) -> None:
    expected, found = play(path.read_text(encoding="utf-8"))
    assert expected
    assert found == expected
