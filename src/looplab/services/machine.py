"""What this machine has of what scenarios need, and the mend where it lacks something."""

from __future__ import annotations

import os
from importlib import util

from looplab.services import address
from looplab.services.binaries import MEND, find
from looplab.services.cluster import data_folder
from looplab.services.failure import ServiceFailed

EXTRAS = {"flask": "flask", "gunicorn": "flask", "requests": "requests", "uvloop": "uvloop", "numpy": "numpy"}
"""Libraries among the needs, and the extra of looplab that brings each."""

DRIVERS = ("asyncpg", "psycopg", "psycopg_pool")


def lacking(need: str) -> str:
    """Say what mends it that a need of a scenario is not met here; empty if it is met.

    Nothing is started or connected to: `postgres_state` does that.
    """
    if need == "postgres":
        if any(util.find_spec(driver) is None for driver in DRIVERS):
            return "pip install 'looplab[postgres]'"
        return "" if os.environ.get(address.URL) or find() is not None else MEND
    if need in EXTRAS and util.find_spec(need) is None:
        return f"pip install 'looplab[{EXTRAS[need]}]'"
    return ""


def postgres_state() -> tuple[str, str]:
    """Look at the PostgreSQL that scenarios would get.

    Returns:
        What was found, and the mend, which is empty if nothing needs to be done.
    """
    if lack := lacking("postgres"):
        return "absent; some scenarios need it", lack
    if url := os.environ.get(address.URL, ""):
        # Only here: `looplab list` needs no event loop.
        import asyncio

        from looplab.services.database import try_out

        try:
            version = asyncio.run(try_out(address.check(url)))
        except ServiceFailed as failure:
            text, _, mend = failure.reason.rpartition("; ")
            return (text, mend) if text else (mend, f"look at {address.URL}")
        return f"{version} at {address.shown(url)}", ""
    binaries = find()
    assert binaries is not None
    folder = data_folder()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        return f"embedded, but {nearest} cannot be written", "make it writable, or set LOOPLAB_DATA"
    return f"{binaries.major} embedded, its data in {folder}", ""
