"""A job that names the moment of its first request, so that several processes begin together."""

from __future__ import annotations

import pytest
from traffic_help import burst, laboratory, serving

from looplab.wire.clock import MS, now_ns

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("in_ns", "waits"), [(1_000 * MS, True), (-1_000 * MS, False)])
async def test_nothing_is_sent_before_the_moment(in_ns: int, waits: bool) -> None:
    begin_ns = now_ns() + in_ns
    async with serving() as server, laboratory() as lab:
        await lab.start(burst(4, 2), server.port, begin_ns=begin_ns)
        state = await lab.seen(lambda state: state.ended_ns, "the burst is over")
        assert state.ok == 4
        assert state.started_ns >= begin_ns
        # The lab hears of the process before its traffic begins.
        assert (lab.hello.monotonic_ns < begin_ns) is waits
