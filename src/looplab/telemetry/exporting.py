"""Export, set up as OpenTelemetry's own environment variables say."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

EXPORTER = "OTEL_METRICS_EXPORTER"
PROTOCOL = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
DEFAULT_PROTOCOL = "http/protobuf"

_GROUP = "opentelemetry_metrics_exporter"

_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}

_PACKAGES = {
    "otlp_proto_http": "opentelemetry-exporter-otlp-proto-http",
    "otlp_proto_grpc": "opentelemetry-exporter-otlp-proto-grpc",
}

SHUTDOWN_MS = 2_000
"""Longest wait for the last export."""


class TelemetryError(Exception):
    """The export cannot be set up: one line."""


class Export:
    """A provider with the exporters that the environment names."""

    def __init__(self, complain: Callable[[str], None], screen: bool = False) -> None:
        """Set it up.

        Args:
            complain: takes a line about an export that fails.
            screen: whether the terminal is taken.

        Raises:
            TelemetryError: an exporter is not there, or refuses its settings.
        """
        exporters = _exporters()
        if screen and "console" in exporters:
            mend = "without a terminal on its input it has no screen: add < /dev/null"
            raise TelemetryError(f"{EXPORTER}=console would write over the screen; {mend}")
        readers = [_reader(name) for name in exporters]
        self._handler = _Complaints(complain)
        self._logger = logging.getLogger("opentelemetry")
        self._before = self._logger.propagate
        self._logger.addHandler(self._handler)
        self._logger.propagate = False
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over what is said here.
        self.provider = MeterProvider(
            metric_readers=readers, resource=Resource.create(), shutdown_on_exit=False
        )

    def close(self) -> None:
        """Export for the last time, and end."""
        try:
            self.provider.shutdown(timeout_millis=SHUTDOWN_MS)
        finally:
            self._logger.removeHandler(self._handler)
            self._logger.propagate = self._before


class _Complaints(logging.Handler):
    """Passes on what the SDK logs, each text once: a collector that is away is away for every export."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._complain = complain
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().splitlines()[0]
        kind = str(record.msg)
        if kind not in self._said:
            self._said.add(kind)
            self._complain(f"telemetry: {text}")


def _exporters() -> list[str]:
    """Give the entry points of the exporters that are asked for: `otlp` if none is, by the specification."""
    asked = [name.strip() for name in os.environ.get(EXPORTER, "otlp").split(",") if name.strip()]
    if "none" in asked:
        return []
    protocol = next((value for name in PROTOCOL if (value := os.environ.get(name))), DEFAULT_PROTOCOL)
    if "otlp" in asked and protocol not in _PROTOCOLS:
        known = " or ".join(_PROTOCOLS)
        raise TelemetryError(f'there is no OTLP protocol "{protocol}"; set {PROTOCOL[1]} to {known}')
    return [_PROTOCOLS[protocol] if name == "otlp" else name for name in asked]


def _reader(name: str) -> MetricReader:
    found = next(iter(entry_points(group=_GROUP, name=name)), None)
    if found is None:
        package = _PACKAGES.get(name)
        mend = (
            f'pip install "{package}", or set {EXPORTER}=console'
            if package
            else f"set {EXPORTER} to otlp or console"
        )
        raise TelemetryError(f'the exporter "{name}" of OpenTelemetry is not installed; {mend}')
    try:
        made: Any = found.load()()
        return made if isinstance(made, MetricReader) else PeriodicExportingMetricReader(made)
    except Exception as error:
        raise TelemetryError(f'the exporter "{name}" of OpenTelemetry cannot start: {error}') from None
