"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

REAL = {"cli", "lab", "probe", "servers", "traffic"}
"""Rooms whose tests run real processes against the real clock."""

RERUNS = 2
"""A machine that is busy elsewhere can take a core away in the middle of a measurement. Such a test may try
again, in the open: the summary counts each rerun. A fault fails every time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in REAL:
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))
