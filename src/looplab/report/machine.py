"""The machine that a figure was measured on."""

from __future__ import annotations

import os
import platform
from typing import Any


def cores() -> int:
    """Count the cores that this process may use; a container or `taskset` may allow fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """Describe the machine as the JSON of `bench` does."""
    return {"cores": cores(), "python": platform.python_version(), "platform": platform.platform()}
