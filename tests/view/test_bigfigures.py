"""Big figures: their shapes, and how large they get in a room."""

from __future__ import annotations

import pytest

from looplab.view.bigfigures import ROWS, fitting, large, rows, width


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
