"""Telemetry: what a model knows of servers, as OpenTelemetry metrics.

Nothing of it runs in the servers: the process that has the model exports. The packages of OpenTelemetry come
with the extra `otel`; whoever imports this room has them.
"""

from __future__ import annotations

from .exporting import Export, TelemetryError
from .metrics import Metrics

__all__ = ["Export", "Metrics", "TelemetryError"]
