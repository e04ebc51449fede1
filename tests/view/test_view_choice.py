"""From one selection to the next: knobs and users."""

from __future__ import annotations

import pytest
from stage import selection

from looplab.lab import Selection
from looplab.view.choice import more_users, turned


def _turn(chosen: Selection, *steps: int) -> list[float]:
    values = []
    for step in steps:
        chosen = turned(chosen, "delay", step)
        values.append(chosen.knobs["delay"])
    return values


def test_a_knob_is_turned_by_steps_from_its_default() -> None:
    assert _turn(selection(), 1, 1, -1, -1, -1) == [0.15, 0.2, 0.15, 0.1, 0.05]


def test_the_ends_of_a_knob_are_reached_and_left_again() -> None:
    # The default 0.1 and the step 0.05 do not meet the least value, 0.01.
    assert _turn(selection(), -1, -1, -1, 1, 1) == [0.05, 0.01, 0.01, 0.05, 0.1]
    assert _turn(selection(), *[1] * 59, -1) == [*(round(0.1 + 0.05 * n, 2) for n in range(1, 59)), 3.0, 2.95]


def test_a_value_between_two_steps_goes_to_the_next_one() -> None:
    chosen = selection()
    chosen.knobs["delay"] = 0.13
    assert _turn(chosen, 1, -1) == [0.15, 0.1]
    assert _turn(chosen, -1) == [0.1]


@pytest.mark.parametrize("count", [1, 10, 19, 20, 30, 190, 200, 300, 2_000])
def test_a_step_of_users_and_its_opposite_meet_again(count: int) -> None:
    assert more_users(more_users(count, 1), -1) == count
