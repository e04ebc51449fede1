"""The book of a host: limits that several clients and hosts share, and calls that nobody ends."""

from __future__ import annotations

import pytest

from looplab.probe.faults import Faults
from looplab.probe.pools import Pools
from looplab.probe.records import FACTS, Facts, Hop, Request, current
from looplab.probe.upstream import MOST_HOSTS, UNTOLD_CLIENTS, Call, HostBook, Upstream, host_name
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.events import Event, Slots, SlotUse


class Pool:
    """A client's pool of connections."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit


class Stand:
    """The instrument, with what the emitter's thread does."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.facts: Facts = BoundedBuffer(FACTS)
        self.pools = Pools(self.faults)
        self.upstream = Upstream(self.facts, self.pools, self.faults)

    def ask(self, pool: Pool, host: str, rid: int, take: bool = True) -> Call:
        """Call a host in a request; rid 0 is nobody's."""
        token = current.set(Request(rid, 0, "GET", "/", 1) if rid else None)
        try:
            call = self.upstream.ask(pool, lambda pool: pool.limit, lambda: host)
        finally:
            current.reset(token)
        assert call is not None
        if take:
            self.upstream.take(call)
        else:
            self.upstream.wait(call)
        return call

    def read(self) -> list[Event]:
        """Take the facts and give the events."""
        for kind, _, _, _, hop in self.facts.drain():
            if isinstance(hop, Hop) and hop.book is not None:
                hop.book.take(kind, hop)
        return self.pools.collect()

    def states(self) -> dict[str, tuple[int, int, int]]:
        """Give total, held and waiting of each host."""
        return {e.pool: (e.total, e.held, e.waiting) for e in self.read() if isinstance(e, Slots)}


@pytest.fixture(autouse=True)
def every_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell each state, however short after the one before."""
    monkeypatch.setattr("looplab.probe.slots.STATE_EVERY_NS", 0)
    monkeypatch.setattr("looplab.probe.slots.IDLE_STATE_EVERY_NS", 0)


def test_a_client_for_one_request_has_no_limit_worth_telling() -> None:
    stand = Stand()
    pools = [Pool(100) for _ in range(50)]
    calls = [stand.ask(pool, "a", rid) for rid, pool in enumerate(pools, 1)]
    assert stand.states() == {"upstream a": (0, 50, 0)}
    for call in calls:
        stand.upstream.release(call)
    uses = [event for event in stand.read() if isinstance(event, SlotUse)]
    assert sorted(use.rid for use in uses) == list(range(1, 51))


def test_a_client_that_several_requests_use_has_one() -> None:
    stand, pool = Stand(), Pool(2)
    stand.ask(pool, "a", 1)
    assert stand.states() == {"upstream a": (0, 1, 0)}
    stand.ask(pool, "a", 2)
    stand.ask(pool, "a", 3, take=False)
    assert stand.states() == {"upstream a": (2, 2, 1)}


def test_the_hosts_of_a_client_share_its_limit() -> None:
    stand, pool = Stand(), Pool(10)
    for rid in range(1, 7):
        stand.ask(pool, "a", rid)
    for rid in range(7, 11):
        stand.ask(pool, "b", rid)
    stand.ask(pool, "b", 11, take=False)
    # Each may have what the other leaves, so that a client that is full is full for both.
    assert stand.states() == {"upstream a": (6, 6, 0), "upstream b": (4, 4, 1)}


def test_the_limits_of_two_clients_add_up_until_one_is_gone() -> None:
    stand, first, second = Stand(), Pool(10), Pool(5)
    calls = [stand.ask(pool, "a", rid) for rid, pool in enumerate([first, first, second, second], 1)]
    assert stand.states() == {"upstream a": (15, 4, 0)}
    for call in calls:
        stand.upstream.release(call)
    del first
    assert stand.states() == {"upstream a": (5, 0, 0)}


def test_a_call_that_is_dropped_ends_with_its_client() -> None:
    stand, pool = Stand(), Pool(10)
    stand.ask(pool, "a", 1)
    assert stand.states() == {"upstream a": (0, 1, 0)}
    del pool
    stand.read()
    events = stand.read()
    assert [use.rid for use in events if isinstance(use, SlotUse)] == [1]
    assert [state.held for state in events if isinstance(state, Slots)] == [0]


def test_what_no_request_calls_is_not_told() -> None:
    stand, pool = Stand(), Pool()
    stand.ask(pool, "collector", 0)
    assert stand.states() == {}


def test_clients_of_a_host_that_is_not_told_are_not_kept() -> None:
    stand = Stand()
    for _ in range(3 * UNTOLD_CLIENTS):
        call = stand.ask(Pool(), "collector", 0)
        stand.upstream.release(call)
        stand.read()
    book = call.book
    assert isinstance(book, HostBook)
    assert len(book._clients) <= UNTOLD_CLIENTS


def test_hosts_beyond_the_most_share_one_band() -> None:
    stand, pool = Stand(), Pool()
    for number in range(MOST_HOSTS + 5):
        stand.ask(pool, f"host{number}", 1 + number)
    states = stand.states()
    assert len(states) == MOST_HOSTS + 1
    assert states["upstream others"] == (0, 5, 0)


def test_an_instrument_that_raises_is_off_and_the_call_goes_on() -> None:
    def breaks(pool: Pool) -> int:
        raise RuntimeError("no such attribute")

    stand = Stand()
    for _ in range(2):
        assert stand.upstream.ask(Pool(), breaks, lambda: "a") is None
        assert stand.faults.off == {"upstream"}
    assert len(stand.faults.notices.drain()) == 1


def test_a_port_that_everybody_expects_is_not_written() -> None:
    assert host_name("https", "a.example", 443) == "a.example"
    assert host_name("http", "a.example", None) == "a.example"
    assert host_name("http", "127.0.0.1", 8001) == "127.0.0.1:8001"
