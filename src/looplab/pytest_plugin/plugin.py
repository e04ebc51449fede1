"""What pytest loads, in every run of whoever has installed looplab: a pytest that is too old gets nothing."""

from __future__ import annotations

import pytest

OLDEST = (8,)
"""Hooks that are written as wrappers came with it; an older one would not even start."""

if pytest.version_tuple[:1] >= OLDEST:
    from looplab.pytest_plugin.hooks import (
        loop_watch,
        pytest_addoption,
        pytest_configure,
        pytest_runtest_call,
        pytest_runtest_makereport,
        pytest_terminal_summary,
    )

    __all__ = [
        "loop_watch",
        "pytest_addoption",
        "pytest_configure",
        "pytest_runtest_call",
        "pytest_runtest_makereport",
        "pytest_terminal_summary",
    ]
