"""The end at a terminal that takes nothing any more, and so would keep the process for ever.

A connection that has frozen leaves the terminal there and nobody who reads it. Textual ends once all
that it wants to write is written, and a write into a full terminal has no end.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time

STUCK_S = 1.0
"""A terminal that has taken nothing for so long, while there is something to write, shows nobody anything."""

LOOK_S = 0.1


def end_without(writer: threading.Thread) -> None:
    """Begin to watch over the last writes; returns at once. To be called in the main thread.

    Args:
        writer: the thread that writes to the terminal, which is about to be ended.
    """
    # A signal without a handler would break nothing off. Nobody else uses this one.
    signal.signal(signal.SIGURG, lambda number, frame: None)
    threading.Thread(target=_watch, args=(writer,), name="looplab ending", daemon=True).start()


def _watch(writer: threading.Thread) -> None:
    """Let the writer go once the terminal is stuck: what it writes goes nowhere from then on."""
    terminals = [stream.fileno() for stream in (sys.__stdout__, sys.__stderr__) if stream and stream.isatty()]
    stuck_s = 0.0
    with contextlib.suppress(OSError, ValueError):
        while terminals and writer.is_alive():
            time.sleep(LOOK_S)
            takes = select.select([], terminals, [], 0)[1]
            stuck_s = 0.0 if takes else stuck_s + LOOK_S
            if stuck_s >= STUCK_S:
                _let_go(writer, terminals)
                return


def _let_go(writer: threading.Thread, terminals: list[int]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for terminal in terminals:
        os.dup2(nowhere, terminal)
    os.close(nowhere)
    # The write that goes on has the old file. A signal breaks it off, and Python begins it anew.
    if writer.is_alive() and writer.ident is not None:
        signal.pthread_kill(writer.ident, signal.SIGURG)
