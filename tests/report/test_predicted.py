"""A prediction as text, page, picture and data."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from msgspec.structs import replace

from looplab.model.statistics import Latency
from looplab.predict import Change, Outcome, Point, PredictError, Prediction, System
from looplab.predict.demands import Cpu, Demands, Kind, Step, What
from looplab.predict.prediction import Use
from looplab.report import calibrating, predicted, predicted_page

DEMANDS = Demands(
    scenario="pool-limit",
    variant="pool-5",
    server="uvicorn",
    workers=1,
    instances=1,
    cores=2,
    users=100,
    most_in_flight=1_000,
    rate=0.0,
    poisson=False,
    think_s=0.0,
    timeout_s=60.0,
    kinds=[Kind("query", 1.0, [(Step(What.LOOP, 1_000_000),)])],
    pools=[],
    cpu=Cpu(),
    seen=40,
)


def outcome(rps: float, p95: float) -> Outcome:
    return Outcome(
        users=100,
        rps=rps,
        rps_half=0.1,
        service=Latency(p50=p95 - 50, p90=p95 - 10, p95=p95, p99=None, max=p95 + 60, n=400),
        mean_ms=p95 - 40,
        mean_half_ms=1.0,
        in_flight=100.0,
        resources=[],
        requests=400,
        late=0,
        capped=0,
        warmup_s=80.0,
        measured_s=160.0,
        complete=True,
    )


PREDICTION = Prediction(
    scenario="pool-limit",
    variant="pool-5",
    system=System(workers=1, cores=2, pools={"asyncpg": 5}, users=100),
    outcome=outcome(24.5, 4_120.0),
    bottleneck="asyncpg",
    resources=[Use("asyncpg", 5, 204.0, 24.5, 1.0), Use("event loop", 1, 0.9, 1_111.0, 0.02)],
    alone_ms=205.0,
    knee_users=5.02,
    changes=[
        Change("asyncpg", 5, 114, outcome(469.0, 229.0), 18.1),
        Change("cores", 2, 4, outcome(24.5, 4_120.0), 0.0),
    ],
    curve=[
        Point(1, 4.9, 203.0, None, 4.9),
        Point(10, 24.5, 407.0, 415.0, 24.5),
        Point(100, 24.5, 4_070.0, 4_120.0, 24.5),
    ],
    cpu_known=True,
    assumes=["the database answers 5 connections of asyncpg as it did"],
)


def test_the_text_has_the_figures_the_limit_and_the_advice() -> None:
    text = predicted.as_text(PREDICTION)

    assert "pool-limit › pool-5, predicted for 100 users, 1 worker, 2 cores, asyncpg 5" in text
    assert "req/s       24.5 ± 0.1" in text
    assert "asyncpg: 204 ms of 5 for each request, 24.5 req/s at most" in text
    assert "knee        5 users" in text
    assert "change first: asyncpg 5 → 114 in each worker: 24.5 → 469 req/s (+1810%)" in text
    assert "the database answers 5 connections" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_curve_has_its_knee_where_it_is() -> None:
    lines = list(predicted.draw(PREDICTION.curve, PREDICTION.knee_users))

    marked = [line.index("┊") for line in lines if "┊" in line]
    first, last = lines[1].index("│") + 1, lines[1].index("│") + predicted.COLUMNS
    assert len(set(marked)) == 1
    # 5 of 100 users are 35 % of the way on a logarithmic axis.
    assert marked[0] == pytest.approx(first + 0.35 * (last - first), abs=1)
    assert sum(line.count("●") for line in lines) == 3


def test_small_gains_are_no_advice() -> None:
    changes = [replace(change, gain=0.01) for change in PREDICTION.changes]

    said = predicted.advice(replace(PREDICTION, changes=changes))

    assert said[0].startswith("change first: no single resource helps by 5 % or more")
    assert len(said) == 3


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"complete": False}, "the time was up: stopped after 240.0 s of simulated time"),
        ({"late": 100}, "25% of the requests take longer than their timeout"),
        ({"capped": 7}, "7 arrivals were left out"),
    ],
)
def test_what_spoils_the_figures_is_said(changes: dict[str, int], word: str) -> None:
    spoilt = replace(PREDICTION, outcome=replace(PREDICTION.outcome, **changes))

    assert any(word in line for line in predicted.warnings(spoilt))
    assert not predicted.warnings(PREDICTION)


def test_a_cpu_that_is_not_known_is_said() -> None:
    said = predicted.warnings(replace(PREDICTION, cpu_known=False))

    assert said == ["what requests need of the CPU is not known: it may allow less than this"]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    html = predicted_page.as_html(
        PREDICTION, predicted.as_json(PREDICTION, DEMANDS), "looplab predict pool-limit"
    )

    assert html.count("<svg") == 2
    assert "knee: 5 users" in html
    assert "http" not in html


def test_the_picture_is_svg() -> None:
    root = ElementTree.fromstring(predicted_page.as_svg(PREDICTION))

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall(".//{http://www.w3.org/2000/svg}polyline")) == 2


def test_what_is_written_as_json_can_be_predicted_from(tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    file.write_text(json.dumps(predicted.as_json(PREDICTION, DEMANDS)), encoding="utf-8")

    assert calibrating.demands_in(file) == DEMANDS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"results": []}', "has no holding times of single requests; use a recording"),
        ('{"demands": {"scenario": 1}}', "its demands cannot be read"),
        ("{", "is no whole JSON"),
        (
            json.dumps({"demands": msgspec.to_builtins(replace(DEMANDS, version=99))}),
            "is of another version of looplab: 99",
        ),
    ],
)
def test_json_of_another_kind_is_refused_with_the_mend(tmp_path: Path, content: str, reason: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(PredictError, match=reason):
        calibrating.demands_in(file)


def test_a_recording_is_no_json(tmp_path: Path) -> None:
    assert calibrating.demands_in(Path(__file__)) is None
