"""Connections that talk: a WebSocket is one request for as long as it is open.

What its traffic has latencies of is what is said over it. So its number in flight, its duration and its
throughput are those of connections, and say nothing about those latencies, nor what the server can carry.
"""

from __future__ import annotations

from looplab.wire.events import TrafficState


def talks(state: TrafficState) -> bool:
    """Tell whether the latencies of this traffic are those of messages, and not of its requests."""
    return state.executor == "websocket"
