"""What workers and the master of Locust say to each other for the lab, over Locust's own connection."""

from __future__ import annotations

from typing import Any

EVENTS = "looplab-events"
"""From a worker: events for the lab."""
CLOCK = "looplab-clock"
"""A worker asks for the master's clock, and is told it."""
END = "looplab-end"
"""From the master: end your users and say the last word."""


def parcel(payloads: list[bytes], state: bytes | None, bye: bytes | None) -> dict[str, Any]:
    """Put events together: batches, the totals as a batch of their own, and the goodbye."""
    return {"payloads": payloads, "state": state, "bye": bye}
