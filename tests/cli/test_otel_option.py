"""`looplab attach --otel` where it cannot export: one line, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest


@pytest.mark.real
def test_an_exporter_that_is_not_installed_ends_it_with_the_mend(
    looplab: Callable[..., CompletedProcess[str]],
) -> None:
    found = looplab("attach", "--otel", OTEL_METRICS_EXPORTER="pigeon")

    assert found.returncode == 1
    assert found.stderr.splitlines() == [
        'looplab: the exporter "pigeon" of OpenTelemetry is not installed; '
        "set OTEL_METRICS_EXPORTER to otlp or console"
    ]
