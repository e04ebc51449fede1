from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.lab.offset import BETTER, DRIFT, Offset, Sample, sample
from looplab.wire.clock import MS, S

delays = st.integers(0, 10 * S)


def asked(at_ns: int, offset_ns: int, there_ns: int, dwell_ns: int, back_ns: int) -> Sample:
    """The sample of a question over two ways of these lengths, to a clock that is `offset_ns` behind."""
    heard = at_ns + there_ns - offset_ns
    return sample(at_ns, heard, heard + dwell_ns, at_ns + there_ns + dwell_ns + back_ns)


@given(st.integers(-(2**60), 2**60), delays, delays, delays)
def test_the_offset_is_never_further_off_than_its_bound(
    offset_ns: int, there_ns: int, dwell_ns: int, back_ns: int
) -> None:
    found = asked(5 * S, offset_ns, there_ns, dwell_ns, back_ns)
    assert abs(found.offset_ns - offset_ns) <= found.bound_ns
    assert found.bound_ns <= (there_ns + back_ns) // 2 + 1


def test_the_quickest_answer_of_many_is_taken() -> None:
    offset, chance = Offset(), random.Random(1)
    for number in range(50):
        ways = [chance.randrange(1, 40) * MS for _ in range(2)]
        offset.add(asked(number * S // 20, -3 * S, ways[0], 7 * MS, ways[1]))
    offset.add(asked(3 * S, -3 * S, 100_000, 0, 100_000))
    assert offset.taken is not None
    assert abs(offset.taken.offset_ns + 3 * S) <= offset.taken.bound_ns <= 100_001


def test_a_little_better_is_no_reason_to_move_all_that_was_told() -> None:
    offset = Offset()
    assert offset.add(Sample(10, 1_000_000, 1))
    assert not offset.add(Sample(20, 900_000, 2))
    assert offset.taken == Sample(10, 1_000_000, 1)
    assert offset.add(Sample(30, int(900_000 / BETTER), 3))


def test_what_is_old_is_worth_less() -> None:
    offset = Offset()
    offset.add(Sample(10, MS, 0))
    assert offset.taken is not None
    assert offset.taken.error_ns(100 * S) == pytest.approx(MS + 100 * S * DRIFT, abs=1)
    assert offset.add(Sample(20, MS, 100 * S))
