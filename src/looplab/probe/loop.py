"""Loops for uvicorn's option: `uvicorn --loop looplab.probe.loop:auto`, or `UVICORN_LOOP` in the environment.

They are those that uvicorn would make by itself. uvicorn asks for its loop in each worker and before it has
the application, which makes this the one option of its own by which a server joins a lab.
"""

from __future__ import annotations

import asyncio as standard
from importlib import import_module

from looplab.probe import install


def auto() -> standard.AbstractEventLoop:
    """Make the loop that `--loop auto` makes: uvloop's where it is installed."""
    install()
    try:
        made: standard.AbstractEventLoop = import_module("uvloop").new_event_loop()
    except ImportError:
        return standard.SelectorEventLoop()
    return made


def asyncio() -> standard.AbstractEventLoop:
    """Make the loop that `--loop asyncio` makes."""
    install()
    return standard.SelectorEventLoop()
