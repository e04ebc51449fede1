"""The hello of a worker: the first that its probe says."""

from __future__ import annotations

import os
import platform
import socket

from looplab.probe.faults import Instrument, clean
from looplab.probe.settings import Settings
from looplab.wire.clock import anchor, boot
from looplab.wire.events import PROTOCOL, Hello


def introduce(run: int, worker: int, loop: str, instruments: list[Instrument]) -> Hello:
    """Say who this process is.

    Args:
        run: number of the run.
        worker: number of the worker.
        loop: `asyncio` or `uvloop`; empty where there is no event loop.
        instruments: what it can tell.
    """
    monotonic, wall = anchor()
    return Hello(
        PROTOCOL,
        run,
        "server",
        worker,
        os.getpid(),
        platform.python_version(),
        loop,
        list(instruments),
        monotonic,
        wall,
        clean(socket.gethostname()),
        boot(),
        clean(Settings.read().root),
    )
