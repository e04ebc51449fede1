"""HTML: a recording as one page that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from looplab.model import Model
from looplab.recording import Index, Recording
from looplab.report import page, recorded
from looplab.report.table import SEVERITY
from looplab.scenario import catalogue

from .sweep import Tell, silently, spans, sweep
from .timeline import Timeline


def write(recording: Recording, index: Index, path: Path, tell: Tell = silently) -> None:
    """Write the page of a recording: the time line of each run, and all that `bench` says of them."""
    report = recorded.report(recording, index, catalogue())
    html = page.as_html(
        report, f"looplab replay {recording.path.name}", "looplab recording", list(_pictures(recording, tell))
    )
    path.write_text(html, encoding="utf-8")


def _pictures(recording: Recording, tell: Tell) -> Iterator[str]:
    found = spans(recording)
    timeline: Timeline | None = None
    for step in sweep(recording, tell):
        if timeline is None:
            timeline = Timeline(found[step.run - 1])
        if step.batch is not None:
            timeline.take(step.model, step.batch.received_ns)
        else:
            title = _title(step.run, step.model, len(found))
            yield f"<h2>{escape(title)}</h2>"
            yield from _verdicts(step.model)
            timeline.end(step.model)
            yield from timeline.svg("time since the traffic began")
            timeline = None


def _verdicts(model: Model) -> Iterator[str]:
    yield "<ul>"
    for verdict in model.result()["verdicts"]:
        severity = verdict["severity"]
        yield f'<li class="{severity}">{SEVERITY[severity][0]} {escape(verdict["text"])}</li>'
        if verdict["detail"]:
            yield f'<li class="dim">{escape(verdict["detail"])}</li>'
    yield "</ul>"


def _title(number: int, model: Model, runs: int) -> str:
    run = model.run
    name = f"{run.scenario} › {run.title}" if run is not None else ""
    return f"{number}. {name}" if runs > 1 else name
