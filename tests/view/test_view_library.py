"""The panels as a library: in a program that has a model, and nothing else of looplab."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from stage import played
from streams import START_NS
from textual.app import App
from textual.widgets import Static

from looplab.model import Model
from looplab.recording import Recorder
from looplab.view import panels
from looplab.view.layout import columns
from looplab.view.panels import AxisPanel, KeyBar, NumbersPanel, Panel, PanelWidget, UsersPanel, Watch
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, TrafficState

ROOT = Path(__file__).parents[2]
PANELS = [
    kind
    for name in panels.__all__
    if isinstance(kind := getattr(panels, name), type)
    and issubclass(kind, Panel)
    and kind not in (Panel, KeyBar)
]


def blocks(document: str) -> list[str]:
    """Give the Python blocks of a document, as printed."""
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)


def defined(source: str, name: str) -> Any:
    """Run a block as a module that is imported, and give one of its names."""
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(source, "example", "exec"), namespace)
    return namespace[name]


def rows(widget: PanelWidget) -> list[str]:
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    batches = played("async-blocking", until_ns=START_NS + 3 * S)
    recorder = Recorder(tmp_path / "run.looplab", "one-keyword", "async-blocking", {}, {}, pytest.fail)
    for batch in batches:
        recorder.put(batch)
    recorder.close()
    monkeypatch.chdir(tmp_path)
    return batches


def played_model(until_ns: int = START_NS + 3 * S) -> Model:
    model = Model()
    for batch in played("async-blocking", until_ns=until_ns):
        model.apply(batch)
    return model


async def test_the_example_of_the_readme_plays_a_recording(recording: list[Batch]) -> None:
    (source,) = (block for block in blocks("README.md") if block.startswith("# mine.py"))
    app = defined(source, "Mine")()
    async with app.run_test(size=(100, 24)) as pilot:
        for _ in range(len(recording) // 4 + 1):
            app.frame()
        await pilot.pause()
        shown = rows(app.query_one(PanelWidget))
        assert "Users" in shown[0]
        assert "100 of 100 in flight" in shown[0]
        assert any("█" in row or "▀" in row for row in shown[1:])


def test_the_examples_of_the_page_are_whole() -> None:
    live, script = blocks("docs/panels.md")
    assert issubclass(defined(live, "Live"), App)
    picture = defined(script, "picture")(played_model())
    assert "in flight" in picture[0]
    assert all(len(row) == 100 for row in picture)


async def test_panels_of_any_width_stand_in_a_program_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")

    class Mine(App[None]):
        CSS = "#numbers { dock: right; width: 44; } #axis { height: 2; }"

        def compose(self) -> Any:
            yield PanelWidget(NumbersPanel(), id="numbers")
            yield PanelWidget(UsersPanel(), id="users")
            yield PanelWidget(AxisPanel(), id="axis")
            yield Static("mine")

    app, watch, model = Mine(), Watch(), played_model()
    async with app.run_test(size=(140, 30)) as pilot:
        for size in ((140, 30), (90, 30)):
            await pilot.resize_terminal(*size)
            watch.show(model, model.now_ns, app.query(PanelWidget))
            await pilot.pause()
            users, axis, numbers = (rows(app.query_one(f"#{name}")) for name in ("users", "axis", "numbers"))  # type: ignore[arg-type]
            assert "in flight" in users[0]
            assert any(row.strip() for row in users[1:]), "the bands have the width of their widget"
            assert " s" in axis[0]
            assert any(row.startswith("  in flight        100") for row in numbers)
        app.theme = "textual-light"
        await pilot.pause()
        users_panel = app.query_one("#users", PanelWidget).panel
        assert users_panel.palette.colours.ground == "#fbfbf8"
        await pilot.click("#users")


@pytest.mark.parametrize("kind", PANELS, ids=lambda kind: kind.__name__)
def test_each_panel_takes_a_model_alone(kind: type[Panel]) -> None:
    for model in (Model(), played_model(), _told("ramping"), _told("arrival-rate"), _told("websocket")):
        panel = kind()
        panel.resize(120, 24)
        panel.take(Watch().view(model, model.now_ns, columns(120)))
        assert [len(panel.line(y).text) for y in range(24)] == [120] * 24


def _told(executor: str) -> Model:
    """Give a model whose traffic says that it is of a kind."""
    model = Model()
    for batch in played("hello", until_ns=START_NS + 300 * MS):
        events = [
            replace(event, executor=executor) if isinstance(event, TrafficState) else event
            for event in batch.events
        ]
        model.apply(Batch(batch.source, batch.received_ns, events))
    return model


def test_each_panel_is_in_the_list_of_the_page() -> None:
    page = (ROOT / "docs/panels.md").read_text("utf-8")
    assert all(f"`{kind.__name__}`" in page for kind in [*PANELS, KeyBar])
