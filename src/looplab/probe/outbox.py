"""What a probe has to say beside its instruments, and its answer when the lab asks for its clock."""

from __future__ import annotations

from msgspec.structs import replace

from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import now_ns
from looplab.wire.control import Ping
from looplab.wire.events import Event, Pong


class Outbox(BoundedBuffer[Event]):
    """Events for the emitter; an answer about the clock says when it leaves."""

    def answer(self, ping: Ping) -> None:
        """Tell the lab this clock; called as soon as the question was read."""
        self.append(Pong(ping.t_ns, now_ns(), 0))

    def drain(self, most: int | None = None) -> list[Event]:
        """Take what is there: it is sent at once."""
        return [
            replace(event, told_ns=now_ns()) if isinstance(event, Pong) else event
            for event in super().drain(most)
        ]
