"""How looplab's PostgreSQL is set up: the embedded one, and the one of `compose.yaml`."""

from __future__ import annotations

SETTINGS = {
    # The pools of four workers at their largest knob, with room for a second lab and a psql.
    "max_connections": "300",
    # A commit does not wait for the disk: the scenarios are about waiting for a database, not for a disk. A
    # machine that crashes loses the last commits and nothing else.
    "synchronous_commit": "off",
    # 10,000 books fit many times.
    "shared_buffers": "64MB",
    # Compiling a query costs more than any query here.
    "jit": "off",
}


def options() -> list[str]:
    """Give the settings as arguments of `postgres`."""
    return [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
