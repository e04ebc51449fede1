"""The workshop: what all runs of a lab share: private folder, receiver, sentinel, the speaker's notes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from looplab.lab.clocks import Clocks
from looplab.lab.door import Door
from looplab.lab.intake import Intake
from looplab.lab.notes import NAME, Notes, NotesDesk
from looplab.lab.roster import Roster
from looplab.lab.sentinel import Sentinel
from looplab.probe.settings import stacks_path
from looplab.servers.runtime import Runtime
from looplab.wire.control import Control, encode
from looplab.wire.events import Batch
from looplab.wire.receiver import Receiver


class Workshop:
    """Opens at the first run, and stays until the lab closes. All calls are made in the lab's loop."""

    def __init__(self, intake: Intake, door: Door | None = None) -> None:
        """Prepare.

        Args:
            intake: hears what the processes say.
            door: where servers join; None makes a place for those that the lab starts.
        """
        self._intake = intake
        self._door = door
        self._roster = Roster()
        self._clocks: Clocks | None = None
        self._opening: asyncio.Task[Runtime] | None = None
        self._runtime: Runtime | None = None
        self._receiver: Receiver | None = None
        self._sentinel: Sentinel | None = None
        self._desk: NotesDesk | None = None
        self._notes: Notes | None = None

    async def open(self) -> Runtime:
        """Make the private folder and the socket, once. A command that is given up does not interrupt it."""
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = asyncio.create_task(self._make())
        return await asyncio.shield(self._opening)

    @property
    def socket_path(self) -> Path:
        """Where processes find the lab, once it is open."""
        if self._door is not None:
            return self._door.path
        if self._runtime is None:
            raise RuntimeError("the lab has no socket before its workshop is open")
        return self._runtime.socket_path

    def tell(self, source: int, order: Control) -> None:
        """Tell the process at the other end of a connection something."""
        if source and self._receiver is not None:
            self._receiver.send(source, encode(order))

    def tell_notes(self, notes: Notes) -> None:
        """Tell the speaker's second terminals, those that come later too."""
        self._notes = notes
        if self._desk is not None:
            self._desk.tell(notes)

    async def settle(self) -> None:
        """Wait until an opening that has begun is over."""
        if self._opening is not None:
            await asyncio.wait([self._opening])

    async def close(self) -> None:
        """Close the sockets and remove the folder."""
        if self._clocks is not None:
            self._clocks.close()
        if self._receiver is not None:
            await self._receiver.close()
        if self._sentinel is not None:
            await self._sentinel.close()
        if self._desk is not None:
            await self._desk.close()
        if self._runtime is not None:
            self._runtime.close()

    async def _make(self) -> Runtime:
        door = self._door
        if door is not None:
            door.clear()
        runtime = door.runtime if door is not None else Runtime()
        path = door.path if door is not None else runtime.socket_path
        intake = self._intake

        def warn(line: str) -> None:
            intake.notice("lab", "warning", line)

        sentinel = Sentinel(intake.deliver, warn)

        def deliver(batch: Batch, here: bool) -> None:
            batch = self._roster.note(batch)
            if here:
                # It looks into processes of this machine alone.
                sentinel.hear(batch)
            intake.deliver(batch)

        clocks = self._clocks = Clocks(deliver, self.tell, warn)
        receiver = Receiver(path, clocks.hear, warn)
        desk = NotesDesk(runtime.folder / NAME)
        try:
            await receiver.start()
            await desk.start()
            await sentinel.start(stacks_path(path))
        except OSError:
            await desk.close()
            await receiver.close()
            runtime.close()
            raise
        self._desk = desk
        if self._notes is not None:
            desk.tell(self._notes)
        self._runtime, self._receiver, self._sentinel = runtime, receiver, sentinel
        return runtime
