from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect

from looplab.wire.events import Event, LoopSample, Phase, ServerRequest, Slots
from looplab.wire.times import OTHERS, TIMES, shift


def rows(kind: inspect.Type) -> Iterator[type]:
    """The structs that a value of a type may hold, itself included."""
    match kind:
        case inspect.StructType(cls):
            yield cls
            for field in msgspec.structs.fields(cls):
                yield from rows(inspect.type_info(field.type))
        case inspect.ListType(item):
            yield from rows(item)
        case inspect.TupleType(items) | inspect.UnionType(items):
            for item in items:
                yield from rows(item)


def several_numbers(kind: inspect.Type) -> bool:
    """Whether a field may hold several whole numbers, or rows that do."""
    match kind:
        case inspect.ListType(item):
            return numbers(item)
        case inspect.TupleType(items):
            return any(map(numbers, items))
        case inspect.DictType(key, value):
            return numbers(key) or numbers(value)
        case inspect.UnionType(kinds):
            return any(map(several_numbers, kinds))
        case inspect.StructType():
            return True
    return False


def numbers(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.IntType) or several_numbers(kind)


KINDS = sorted({row for kind in get_args(Event) for row in rows(inspect.type_info(kind))}, key=str)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_may_be_a_time_is_classified_once(kind: type) -> None:
    times, others = TIMES.get(kind, {}), OTHERS.get(kind, frozenset())
    asked = {
        field.name
        for field in msgspec.structs.fields(kind)
        if field.name.endswith("_ns") or several_numbers(inspect.type_info(field.type))
    }
    assert asked == set(times) | set(others)
    assert not set(times) & set(others)


def test_a_request_moves_with_all_its_phases() -> None:
    request = ServerRequest(1, 0, "GET", "/", 100, 0, [(Phase.RUNNING, 100), (Phase.AWAITING, 150)], 0, 0)
    moved: Any = shift(request, 1_000)
    assert (moved.began_ns, moved.ended_ns, moved.phases) == (
        1_100,
        0,
        [(Phase.RUNNING, 1_100), (Phase.AWAITING, 1_150)],
    )


def test_lengths_stay_and_so_does_what_is_not_yet() -> None:
    sample = LoopSample(500, 7, 9, 11, 13, 3, 0, 17, 19, 23)
    assert shift(sample, -400) == LoopSample(100, 7, 9, 11, 13, 3, 0, 17, 19, 23)


def test_only_the_times_of_holders_move() -> None:
    slots = Slots(500, "threadpool", 40, 2, 1, 3, [(5, 6, 7)], [8, 9])
    assert shift(slots, 100) == Slots(600, "threadpool", 40, 2, 1, 3, [(5, 6, 107)], [8, 9])
