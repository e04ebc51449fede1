"""`--otel`: the figures of a lab as OpenTelemetry metrics. Wiring only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from looplab.lab import Lab

option = click.option(
    "--otel",
    is_flag=True,
    help="Export the figures as OpenTelemetry metrics, where its own variables say: OTEL_METRICS_EXPORTER, "
    "OTEL_EXPORTER_OTLP_ENDPOINT.",
)


@contextmanager
def exported(lab: Lab, wanted: bool, complain: Callable[[str], None], screen: bool = False) -> Iterator[None]:
    """Export what a lab hears for as long as this lasts.

    Args:
        lab: whose models are read.
        wanted: False does nothing.
        complain: takes a line about an export that fails.
        screen: whether the terminal is taken.
    """
    if not wanted:
        yield
        return
    try:
        from looplab.telemetry import Export, Metrics, TelemetryError
    except ImportError:
        raise click.ClickException(
            '--otel needs the SDK of OpenTelemetry, which is not installed; pip install "looplab[otel]"'
        ) from None
    try:
        export = Export(complain, screen)
    except TelemetryError as error:
        raise click.ClickException(str(error)) from None
    metrics = Metrics(export.provider)
    lab.heard = metrics.observe
    try:
        yield
    finally:
        lab.heard = None
        metrics.observe(lab.model, at_once=True)
        export.close()
