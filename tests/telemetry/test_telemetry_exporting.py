"""Which exporter runs is what OpenTelemetry's own variables say."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from looplab.telemetry import Export, TelemetryError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OTEL_METRICS_EXPORTER",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    ):
        monkeypatch.delenv(name, raising=False)


class Installed:
    """An entry point of a reader that keeps what it reads."""

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self.reader = reader

    def load(self) -> Callable[[], InMemoryMetricReader]:
        return lambda: self.reader


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, "otlp_proto_http"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "otlp_proto_grpc"),
        ({"OTEL_METRICS_EXPORTER": "console"}, "console"),
    ],
)
def test_the_variables_choose_the_exporter(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], asked: str
) -> None:
    reader, names = InMemoryMetricReader(), []

    def installed(group: str, name: str) -> list[Installed]:
        names.append((group, name))
        return [Installed(reader)]

    monkeypatch.setattr("looplab.telemetry.exporting.entry_points", installed)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    export = Export(lambda text: None)
    export.provider.get_meter("test").create_counter("test.seen").add(3)

    data = reader.get_metrics_data()
    export.close()

    assert names == [("opentelemetry_metrics_exporter", asked)]
    assert data is not None
    assert data.resource_metrics[0].scope_metrics[0].metrics[0].name == "test.seen"


@pytest.mark.parametrize(
    ("exporter", "protocol", "reason"),
    [
        (
            "pigeon",
            None,
            'the exporter "pigeon" of OpenTelemetry is not installed; set OTEL_METRICS_EXPORTER to',
        ),
        (
            "otlp",
            "smoke",
            'there is no OTLP protocol "smoke"; set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf or',
        ),
    ],
)
def test_an_exporter_that_is_not_there_is_said_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, exporter: str, protocol: str | None, reason: str
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", exporter)
    if protocol is not None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)

    with pytest.raises(TelemetryError, match=reason):
        Export(lambda text: None)


def test_the_console_is_refused_where_the_screen_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "console")

    with pytest.raises(TelemetryError, match="OTEL_METRICS_EXPORTER=console would write over the screen"):
        Export(lambda text: None, screen=True)


def test_complaints_of_the_sdk_are_passed_on_once_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    said: list[str] = []
    export = Export(said.append)
    for delay in (1, 2):
        logging.getLogger("opentelemetry.exporter").warning("Transient error, retrying in %ss.", delay)

    export.close()

    assert said == ["telemetry: Transient error, retrying in 1s."]
    assert capsys.readouterr().err == ""
    assert logging.getLogger("opentelemetry").propagate
