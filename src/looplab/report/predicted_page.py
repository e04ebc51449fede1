"""A prediction as one HTML file that needs nothing from elsewhere, and its curve as a picture alone."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from looplab.predict import Prediction

from . import charts, page
from .figures import count, duration, rate
from .predicted import PERCENTILES, advice, duration_fine, knee, limit, load, warnings


def as_html(prediction: Prediction, report: Mapping[str, Any], command: str) -> str:
    """Write the page.

    Args:
        prediction: what to show.
        report: its JSON.
        command: the command line that made it.
    """
    found = prediction.outcome
    half = f" ± {rate(found.rps_half)}" if found.rps_half is not None else ""
    latencies = [found.mean_ms, *(getattr(found.service, name) for name in PERCENTILES)]
    resources = [
        [one.name, count(one.slots), duration_fine(one.need_ms), rate(one.most_rps), f"{one.utilisation:.0%}"]
        for one in prediction.resources
    ]
    points = [
        [count(point.users), rate(point.rps), duration(point.p50_ms), duration(point.p95_ms)]
        for point in prediction.curve
    ]
    body = [
        f"<h1>{escape(prediction.scenario)} › {escape(prediction.variant)}, predicted</h1>",
        f'<p class="dim">{escape(page.where(report))}</p>',
        f"<p><code>{escape(command)}</code></p>",
        f"<p>{escape(load(prediction))}</p>",
        *page.grid(
            ["req/s", "in flight", "mean", *PERCENTILES],
            [
                [
                    f"{rate(found.rps)}{half}",
                    f"{found.in_flight:,.1f}",
                    *(duration(value) for value in latencies),
                ]
            ],
            [False] * 8,
        ),
        "<ul>",
        f"<li>limit: {escape(limit(prediction))}</li>",
        f"<li>knee: {escape(knee(prediction))}</li>",
        *(f"<li>{escape(line)}</li>" for line in advice(prediction)),
        *(f'<li class="warning">{escape(line)}</li>' for line in warnings(prediction)),
        "</ul>",
        *_curves(prediction),
        "<h2>Resources</h2>",
        *page.grid(
            ["resource", "slots", "a request", "carries, req/s", "used"], resources, [True, *[False] * 4]
        ),
    ]
    if points:
        body += ["<h2>Users</h2>", *page.grid(["users", "req/s", "p50", "p95"], points, [False] * 4)]
    body.append("<h2>Assumes</h2><ul>")
    body += [f"<li>{escape(line)}</li>" for line in prediction.assumes]
    body.append("</ul>")
    return page.document(f"{prediction.scenario} › {prediction.variant}, predicted", body)


def as_svg(prediction: Prediction) -> str:
    """Draw the throughput over users as a picture that needs nothing from elsewhere."""
    figure = _throughput(prediction)
    if not figure:
        return '<svg xmlns="http://www.w3.org/2000/svg"/>\n'
    drawn = figure[figure.index("<svg") + len("<svg") : figure.index("</svg>")]
    opening, _, inside = drawn.partition(">")
    # A viewer of pictures may know neither variables nor the reader's preferences.
    style = page.style()
    for name, color in page.LIGHT.items():
        style = style.replace(f"var({name})", color)
    style = f"<style>text {{ font-family: sans-serif; }} {style}</style>"
    ground = f'<rect width="100%" height="100%" fill="{page.LIGHT["--ground"]}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg"{opening}>{style}{ground}{inside}</svg>\n'


def _curves(prediction: Prediction) -> list[str]:
    points = prediction.curve
    latencies = [
        ("p50", 0, [(point.users, point.p50_ms) for point in points]),
        ("p95", 1, [(point.users, point.p95_ms) for point in points]),
    ]
    title = "Service latency over users: p50 (blue) and p95 (orange)"
    return [_throughput(prediction), charts.curve(title, latencies, _mark(prediction), in_ms=True)]


def _throughput(prediction: Prediction) -> str:
    # What is predicted lies over the bound, which it mostly follows.
    rows = [
        ("bound", 1, [(point.users, point.most_rps) for point in prediction.curve]),
        ("predicted", 0, [(point.users, point.rps) for point in prediction.curve]),
    ]
    title = "Requests a second over users: predicted (blue), and the bound (orange)"
    return charts.curve(title, rows, _mark(prediction))


def _mark(prediction: Prediction) -> tuple[float, str]:
    users = max(prediction.knee_users, 1.0)
    return users, f"knee: {round(users):,} users"
