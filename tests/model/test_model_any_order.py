"""Whatever is lost, repeated or late: the model never raises, and in the end nothing is open."""

from __future__ import annotations

import builtins
import types
import typing
from functools import cache
from itertools import pairwise
from typing import Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import Phase as Stage
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import SERVER, TRAFFIC, stream

from looplab.model import Model
from looplab.wire import events as wire
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Bye, Event, Phase, Slots

VARIANTS = ["def-blocking", "async-blocking", "async-await", "async-offload", "pool-5", "regex"]


@cache
def short_stream(variant: str, others: bool = False) -> tuple[Batch, ...]:
    """A small burst, one event a batch, without its goodbyes; `others` are events of more instruments."""
    batches = stream(variant, requests=12, users=6, cut_s=1.0)
    for t in range(600 * MS, 2 * S, 300 * MS) if others else ():
        slots = Slots(t, "gthread", 2, 2, 2, 1, [(0, 1, t - MS)], [], kind="gthread")
        for event in (wire.Collection(t, t + 60 * MS, 2, 9), wire.Connections(t, 3, 0, 0), slots):
            batches.append(Batch(SERVER, t, [event]))
        batches.append(Batch(0, t, [wire.Backlog(t, 2, 100)]))
    return tuple(
        Batch(batch.source, batch.received_ns, [event]) for batch in batches for event in batch.events
    )


def look(model: Model, now_ns: int) -> None:
    """Ask everything that a screen or a report asks."""
    model.verdicts(now_ns)
    model.statistics()
    model.ceiling(now_ns)
    model.result()
    model.rps(now_ns)
    assert model.queued >= 0
    for series in (model.flow.in_flight, model.flow.queued, model.flow.done):
        assert len(series.values(now_ns - S, now_ns)) in (10, 11)
    for index in range(min(model.users.count, 20)):
        assert len(model.users.row(index).phases_by_column(0, 100 * MS, 0, 20, now_ns)) == 20
    for request in list(model.requests)[:20]:
        model.delayed_by(request, now_ns)
    for worker in model.workers:
        model.waiting_for(worker)
        worker.loop.phases_by_column(0, 100 * MS, 0, 20, now_ns)
        worker.loop.busy(now_ns)
        worker.loop.lag_ns(now_ns)
        for pool in worker.slots.values():
            for slot in pool.slots.values():
                slot.phases_by_column(0, 100 * MS, 0, 20, now_ns)


def assert_nothing_open(model: Model) -> None:
    assert not [request for request in model.requests if request.open or request.server_open]
    assert not model.requests.open_clients
    assert model.in_flight == 0
    assert sum(model.flow.counts) == 0
    assert not model.flow.queue
    assert model.flow.queued.level == 0
    for source in model.sources.values():
        assert not source.open
    for worker in model.workers:
        assert worker.loop.open_run(model.now_ns) is None
        assert worker.loop.present_stall is None
        assert not worker.loop.delays.ready
        for pool in worker.slots.values():
            assert not pool.holders
            assert pool.held == 0


def assert_phases_fill_each_request(model: Model, now_ns: int) -> None:
    for request in model.requests:
        spans = request.spans(request.begin_ns, max(request.end_ns, now_ns), now_ns)
        end = request.end_ns or now_ns
        assert sum(span_end - begin for begin, span_end, _ in spans) == max(end - request.begin_ns, 0)
        for (_, before_end, _), (begin, _, _) in pairwise(spans):
            assert before_end == begin
        assert all(begin < span_end for begin, span_end, _ in spans)


@settings(max_examples=60, deadline=None, phases=[Stage.explicit, Stage.reuse, Stage.generate])
@given(st.data())
def test_loss_repetition_and_disorder_leave_nothing_open(data: st.DataObject) -> None:
    batches = list(short_stream(data.draw(st.sampled_from(VARIANTS)), others=True))
    random = data.draw(st.randoms(use_true_random=False))
    share_lost = data.draw(st.sampled_from([0.0, 0.1, 0.5, 0.9]))
    share_twice = data.draw(st.sampled_from([0.0, 0.3]))
    told = [batch for batch in batches if random.random() >= share_lost]
    told += [batch for batch in told if random.random() < share_twice]
    if data.draw(st.booleans()):
        random.shuffle(told)
    else:
        told.sort(key=lambda batch: batch.received_ns)
    goodbyes = [Batch(source, 3 * S, [Bye(3 * S, clean=False)]) for source in (SERVER, TRAFFIC)]
    for goodbye in goodbyes:
        # A goodbye is the last word of a connection, or comes before some of its words.
        place = random.randrange(len(told) + 1) if data.draw(st.booleans()) else len(told)
        told.insert(place, goodbye)
    model = Model()
    for batch in told:
        model.apply(batch)
    now_ns = max(model.now_ns, 3 * S)
    assert_phases_fill_each_request(model, now_ns)
    look(model, now_ns)
    for source in (SERVER, TRAFFIC):
        if source not in model.sources:
            # Its hello was lost or came after its goodbye, so that it was never listened to.
            continue
        model.apply(Batch(source, 4 * S, [Bye(4 * S, clean=False)]))
    assert_nothing_open(model)


@pytest.mark.parametrize("variant", VARIANTS)
def test_order_of_the_two_processes_does_not_matter(variant: str) -> None:
    """All of the traffic first, or all of the server first: what is known in the end is the same."""

    def told(order: tuple[int, ...]) -> Model:
        model = Model()
        for source in order:
            for batch in short_stream(variant):
                if batch.source == source:
                    model.apply(batch)
        return model

    one, other = told((0, TRAFFIC, SERVER)), told((0, SERVER, TRAFFIC))
    now_ns = one.now_ns
    assert now_ns == other.now_ns
    assert one.result() == other.result()
    for client, request in one.requests.by_client.items():
        twin = other.requests.by_client[client]
        assert request.spans(0, now_ns, now_ns) == twin.spans(0, now_ns, now_ns)
    for series in ("in_flight", "queued", "done"):
        values = [getattr(model.flow, series).values(0, now_ns) for model in (one, other)]
        assert values[0] == values[1]


_numbers = st.one_of(
    st.integers(0, 5), st.integers(0, 3 * S), st.integers(-(1 << 63), (1 << 64) - 1), st.just(0)
)
_texts = st.sampled_from(["", "threadpool", "x", "/a/b.py"])


def _values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type; integers far beyond all reason among them."""
    simple = {
        int: _numbers,
        str: _texts,
        bool: st.booleans(),
        float: st.floats(0, 10),
        types.NoneType: st.none(),
    }
    if kind in simple:
        return simple[kind]
    arguments = get_args(kind)
    match get_origin(kind):
        case typing.Literal:
            return st.sampled_from(arguments)
        case builtins.list:
            return st.lists(_values(arguments[0]), max_size=4)
        case builtins.tuple:
            return st.tuples(*map(_values, arguments))
        case types.UnionType:
            return st.one_of([_values(argument) for argument in arguments])
        case builtins.dict:
            return st.dictionaries(_values(arguments[0]), _values(arguments[1]), max_size=3)
    return _structs(kind)


def _structs(kind: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{field.name: _values(field.type) for field in msgspec.structs.fields(kind)})


def _events() -> st.SearchStrategy[Event]:
    return st.one_of([_structs(kind) for kind in get_args(Event)])


# A failure is told as it was found: to shrink it would take minutes.
@settings(max_examples=50, deadline=None, phases=[Stage.explicit, Stage.reuse, Stage.generate])
@given(st.lists(st.tuples(st.integers(0, 3), st.lists(_events(), min_size=1, max_size=8)), max_size=12))
def test_no_event_that_can_be_decoded_raises(batches: list[tuple[int, list[Event]]]) -> None:
    model = Model()
    hello = {"protocol": wire.PROTOCOL, "run": 1, "pid": 1, "python": "", "loop": "", "instruments": []}
    for source, role in ((1, "server"), (2, "traffic")):
        model.apply(
            Batch(source, 0, [wire.Hello(role=role, worker=0, monotonic_ns=1, wall_ns=1, **hello)])  # type: ignore[arg-type]
        )
    for source, events in batches:
        model.apply(Batch(source, 0, wire.decode(wire.encode(events))))
        look(model, 2 * S)
        look(model, model.now_ns)
    assert_phases_fill_each_request(model, model.now_ns)


def test_every_phase_of_the_wire_has_a_count() -> None:
    model = Model()
    assert [model.count(phase) for phase in Phase] == [0] * len(Phase)
