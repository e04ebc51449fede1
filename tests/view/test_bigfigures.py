"""Big figures: their shapes, and how large they get in a room."""

from __future__ import annotations

import pytest
from stage import played, text_of, view_at
from streams import START_NS

from looplab.view.bigfigures import ROWS, fitting, large, rows, width
from looplab.view.panels.big import BigFiguresPanel
from looplab.wire.clock import S

NAMES = ("in flight", "req/s", "p95", "loop lag", "longest stall", "failed")


def test_a_figure_is_three_rows_of_half_blocks() -> None:
    assert large("10") == ["▄█  █▀█", " █  █ █", "▀▀▀ ▀▀▀"]
    assert ROWS == 3


def test_a_scale_makes_each_pixel_wider_and_higher() -> None:
    assert large("1", 2) == ["  ██  ", "████  ", "  ██  ", "  ██  ", "██████"]
    assert [len(large("8.4 s", scale)) for scale in (1, 2, 3, 4)] == [rows(n) for n in (1, 2, 3, 4)]
    assert [rows(n) for n in (1, 2, 3, 4)] == [3, 5, 8, 10]


@pytest.mark.parametrize("text", ["2,841 ms", "0.17", "25×", "–", "9:07"])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_all_rows_of_a_figure_are_as_wide_as_said(text: str, scale: int) -> None:
    assert {len(row) for row in large(text, scale)} == {width(text, scale)}


@pytest.mark.parametrize(("room", "scale"), [((80, 12), 4), ((30, 12), 2), ((80, 5), 2), ((16, 3), 1)])
def test_a_figure_is_as_large_as_its_room(room: tuple[int, int], scale: int) -> None:
    assert fitting("1692", *room) == large("1692", scale)


def test_a_room_may_be_too_small() -> None:
    assert fitting("1692", 10, 12) == []
    assert fitting("1692", 80, 2) == []
    assert fitting("", 80, 12) == []


@pytest.mark.parametrize(
    ("size", "names", "rows_of_digits"),
    [((80, 19), 6, 5), ((80, 17), 4, 5), ((200, 45), 6, 13), ((60, 9), 4, 3)],
)
def test_six_figures_or_four_larger_ones(size: tuple[int, int], names: int, rows_of_digits: int) -> None:
    view = view_at(played("async-blocking"), START_NS + 5 * S, 100)
    drawn = text_of(BigFiguresPanel(), view, *size)
    found = [name for name in NAMES if any(name in row for row in drawn)]
    assert len(found) == names
    first = next(y for y, row in enumerate(drawn) if "in flight" in row)
    digits = [row[: size[0] // 2] for row in drawn[first + 1 : first + 1 + rows_of_digits]]
    # 100 as it is drawn at this height, and nothing of it below.
    assert [row.strip() for row in digits] == [row.strip() for row in fitting("100", 90, rows_of_digits)]
