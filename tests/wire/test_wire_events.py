from __future__ import annotations

import inspect
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.wire import control, events
from looplab.wire.events import Event, Phase, decode, encode

KINDS = get_args(Event)

numbers = st.integers(-1, 2**63 - 1)


def builds(kind: type) -> st.SearchStrategy[object]:
    """Any event of a kind, with every field drawn by its type."""
    fields = msgspec.inspect.type_info(kind).fields  # type: ignore[union-attr]
    return st.builds(kind, **{field.name: values(field.type) for field in fields})


def values(kind: msgspec.inspect.Type) -> st.SearchStrategy[object]:
    match kind:
        case msgspec.inspect.IntType():
            return numbers
        case msgspec.inspect.FloatType():
            return st.floats(allow_nan=False)
        case msgspec.inspect.StrType():
            return st.text(max_size=20)
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.LiteralType(literals):
            return st.sampled_from(literals)
        case msgspec.inspect.EnumType(enum):
            return st.sampled_from(list(enum))
        case msgspec.inspect.ListType(item):
            return st.lists(values(item), max_size=4)
        case msgspec.inspect.TupleType(items):
            return st.tuples(*map(values, items))
        case msgspec.inspect.DictType(key, value):
            return st.dictionaries(values(key), values(value), max_size=4)
        case msgspec.inspect.StructType(struct):
            return builds(struct)
        case msgspec.inspect.UnionType(kinds):
            return st.one_of(*map(values, kinds))
        case msgspec.inspect.NoneType():
            return st.none()
    raise AssertionError(f"a field of a type that the wire did not have: {kind}")


@given(st.lists(st.one_of(*map(builds, KINDS)), max_size=8))
def test_every_event_comes_back_as_it_was(batch: list[Event]) -> None:
    assert encode(decode(encode(batch))) == encode(batch)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_each_kind_by_itself(kind: type, data: st.DataObject) -> None:
    event = data.draw(builds(kind))
    (back,) = decode(encode([event]))  # type: ignore[list-item]
    assert type(back) is kind
    assert encode([back]) == encode([event])  # type: ignore[list-item]


def test_every_struct_with_a_tag_is_an_event_and_tags_are_unique() -> None:
    tagged = [
        kind
        for _, kind in inspect.getmembers(events, inspect.isclass)
        if issubclass(kind, msgspec.Struct) and kind.__struct_config__.tag is not None
    ]
    assert set(tagged) == set(KINDS)
    tags = sorted(kind.__struct_config__.tag for kind in KINDS)
    assert tags == list(range(len(KINDS)))


def test_phases_travel_as_numbers_and_come_back_as_phases() -> None:
    request = events.ServerRequest(1, 2, "GET", "/", 5, 0, [(Phase.RUNNING, 5)], 0, 0)
    (back,) = decode(encode([request]))
    assert isinstance(back, events.ServerRequest)
    assert Phase(back.phases[0][0]) is Phase.RUNNING


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x80",
        b"GET / HTTP/1.1",
        msgspec.msgpack.encode([[99, 1]]),
        msgspec.msgpack.encode([[events.Bye.__struct_config__.tag, "soon", True]]),
        msgspec.msgpack.encode([[events.Bye.__struct_config__.tag]]),
        encode([events.Bye(1, True)])[:-1],
    ],
)
def test_what_is_no_batch_is_refused(payload: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(payload)


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused(payload: bytes) -> None:
    try:
        batch = decode(payload)
    except msgspec.MsgspecError:
        return
    assert all(isinstance(event, KINDS) for event in batch)


@given(st.one_of(*map(builds, get_args(control.Control))))
def test_every_order_comes_back_as_it_was(order: control.Control) -> None:
    assert control.decode(control.encode(order)) == order


def test_a_foreign_order_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        control.decode(b"\x91\x09")
