from __future__ import annotations

import io
import json

from rich.console import Console

from looplab.report.listing import as_json, as_table
from looplab.scenario import ORDER, catalogue


def test_json_has_what_another_program_needs() -> None:
    listed = json.loads(json.dumps(as_json(catalogue())))
    assert [entry["id"] for entry in listed] == list(ORDER)
    first = listed[0]
    assert set(first) == {
        "id",
        "title",
        "question",
        "source",
        "notes",
        "variants",
        "knobs",
        "needs",
        "missing",
    }
    assert [variant["id"] for variant in first["variants"]] == [
        "def-blocking",
        "async-blocking",
        "async-await",
        "async-offload",
    ]
    assert first["knobs"]["delay"]["default"] == 0.1
    assert first["needs"] == []


def test_the_table_names_key_question_variant_and_knob() -> None:
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(as_table(catalogue()))
    text = out.getvalue()
    for scenario in catalogue():
        assert scenario.question in text
        assert all(variant.title in text for variant in scenario.variants)
        assert all(f"--set {name}=" in text for name in scenario.knobs)
    numbered = [line.split()[:2] for line in text.splitlines() if line.strip()[:1].isdigit()]
    assert numbered == [[key, id] for key, id in zip("1234567890", ORDER, strict=False)]
    assert all(id in text for id in ORDER)
