"""Connections that are held: what is said of them, and what is not."""

from __future__ import annotations

import pytest
from loads import Request, clients, heard, states, wire
from msgspec.structs import replace

from looplab.model import Model
from looplab.wire.clock import MS, S

HELD = [Request(at * MS, at * MS, 5 * S) for at in range(100)]
"""A hundred connections, open from the begin to the end."""


def told(executor: str) -> Model:
    last = states(HELD, 5 * S, executor=executor)[-1]
    last = replace(
        last,
        service=wire([2 * MS] * 900),
        first_byte=wire([7 * MS] * 100),
        messages_sent=9,
        messages_received=900,
    )
    return heard([*clients(HELD), *states(HELD, 5 * S, executor=executor)[:-1], last])


def test_latencies_of_websockets_are_those_of_messages() -> None:
    figures = told("websocket").statistics()
    assert figures.service.n == 900
    assert figures.service_mean_ms == pytest.approx(2)
    assert figures.first_byte.p50 == pytest.approx(7, rel=0.032)
    assert figures.in_flight_max == 100


def test_what_is_held_has_no_ceiling_and_no_littles_law() -> None:
    model = told("websocket")
    result = model.result()
    assert result["little"] is None
    assert result["ceiling_rps"] is None
    assert result["bottleneck"] is None
    assert result["messages"] == {"sent": 9, "received": 900}
    assert told("constant").result()["little"] is not None


def test_the_end_speaks_of_websockets_and_messages() -> None:
    model = told("websocket")
    (verdict,) = [verdict for verdict in model.verdicts(model.now_ns) if verdict.id == "done"]
    assert verdict.text == "The traffic is over: 100 WebSockets ended well, 900 messages came"
