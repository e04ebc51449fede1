"""Victims and their delays against a count of every pair of a stall and a wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.model import delays as module
from looplab.model.delays import Delays
from looplab.model.stalls import StallRecord
from looplab.wire.clock import MS


def record(number: int, began: int, ended: int) -> StallRecord:
    made = StallRecord(number, began)
    made.ended_ns = ended
    made.rid = number
    return made


@st.composite
def stalls(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Up to eight stalls that do not overlap, in milliseconds."""
    at, made = draw(st.integers(0, 50)), []
    for _ in range(draw(st.integers(0, 8))):
        began = at + draw(st.integers(0, 30))
        at = began + draw(st.integers(1, 60))
        made.append((began, at))
    return made


waits = st.lists(
    st.tuples(st.integers(0, 500), st.integers(1, 400)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=12,
)


def overlap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(min(one[1], other[1]) - max(one[0], other[0]), 0)


@given(stalls(), waits, st.randoms(use_true_random=False), st.booleans())
def test_each_pair_counts_once_whichever_is_known_first(
    held: list[tuple[int, int]], waited: list[tuple[int, int]], random: object, shuffled: bool
) -> None:
    delays = Delays()
    records = [record(number, began * MS, ended * MS) for number, (began, ended) in enumerate(held, 1)]
    told: list[tuple[int, object]] = [(stall.ended_ns // MS, stall) for stall in records]
    # The word of a wait comes a little after or before that of the stall that caused it.
    told += [(wait[1] + random.randrange(-90, 91), wait) for wait in waited]  # type: ignore[attr-defined]
    told.sort(key=lambda item: item[0])
    if shuffled:
        # Whatever is known first: stalls in disorder, and all of them before the waits.
        random.shuffle(told)  # type: ignore[attr-defined]
        told.sort(key=lambda item: isinstance(item[1], tuple))
    for _, item in told:
        if isinstance(item, StallRecord):
            delays.stall(item, held[0][0] * MS)
        else:
            delays.wait(item[0] * MS, item[1] * MS)  # type: ignore[index]
    delays.settle()
    for stall, interval in zip(records, held, strict=True):
        each = [overlap(interval, wait) for wait in waited]
        assert stall.victims == sum(delay > 0 for delay in each)
        assert stall.delay_ns == sum(each) * MS
    behind = [sum(overlap(stall, wait) for stall in held) for wait in waited]
    assert delays.delay_ns == sum(behind) * MS
    assert delays.victims == sum(delay > 0 for delay in behind)
    if held:
        episode = delays.episode(held[0][0] * MS, 10_000 * MS, [])
        assert episode == (delays.victims, delays.delay_ns)
    for wait, delay in zip(waited, behind, strict=True):
        worst = delays.worst([(wait[0] * MS, wait[1] * MS)], None)
        assert (worst.total_ns if worst else 0) == delay * MS
        most = max((overlap(stall, wait) for stall in held), default=0)
        assert (worst.delay_ns if worst else 0) == most * MS


def test_a_new_episode_has_victims_of_its_own() -> None:
    delays = Delays()
    delays.stall(record(1, 0, 100 * MS), 1)
    delays.wait(0, 100 * MS)
    delays.stall(record(2, 900 * MS, 1_000 * MS), 900 * MS)
    delays.wait(950 * MS, 1_000 * MS)
    assert delays.episode(900 * MS, 1_000 * MS, []) == (1, 50 * MS)
    assert delays.episode(1_500 * MS, 1_600 * MS, [1_400 * MS, 1_550 * MS, 1_700 * MS]) == (2, 150 * MS)
    assert delays.culprits(900 * MS) == {2}
    assert delays.culprits(1_500 * MS) == set()
    assert (delays.victims, delays.delay_ns) == (2, 150 * MS)


def test_a_new_period_counts_what_ended_in_it() -> None:
    delays = Delays()
    delays.stall(record(1, 0, 100 * MS), 1)
    delays.wait(0, 50 * MS)
    delays.wait(20 * MS, 100 * MS)
    delays.begin_period(60 * MS)
    assert (delays.victims, delays.delay_ns) == (1, 80 * MS)


def test_stalls_that_are_said_to_overlap_count_once() -> None:
    delays = Delays()
    first, second = record(1, 0, 100 * MS), record(2, 50 * MS, 120 * MS)
    delays.stall(first, 1)
    delays.stall(second, 1)
    delays.stall(record(3, 60 * MS, 80 * MS), 1)
    delays.wait(0, 200 * MS)
    assert (first.delay_ns, second.delay_ns, delays.delay_ns) == (100 * MS, 20 * MS, 120 * MS)


def test_old_stalls_are_dropped_and_keep_what_they_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_STALLS", 16)
    delays = Delays()
    records = [record(number, number * 100 * MS, (number * 100 + 60) * MS) for number in range(40)]
    for stall in records[:20]:
        delays.stall(stall, 1)
    delays.wait(1_000 * MS, 1_900 * MS)
    for stall in records[20:]:
        delays.stall(stall, 1)
    delays.wait(0, 4_000 * MS)
    delays.settle()
    assert records[12].victims == 1
    assert records[39].delay_ns == 60 * MS
    assert delays.episode(1, 4_000 * MS, []).victims == 2
