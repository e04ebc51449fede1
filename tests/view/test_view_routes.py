"""The routes of one's own app on the screen: asked for once the server is there, picked, and sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from stage import Stage
from streams import START_NS
from textual.widgets import OptionList, Static

from looplab.lab import Selection
from looplab.scenario import own_app, own_traffic, read_traffic
from looplab.scenario.openapi import NoDocument, Route, routes
from looplab.scenario.own import get
from looplab.view import picking
from looplab.view.screens.routes import RoutesScreen
from looplab.view.screens.stacks import is_users
from looplab.wire.clock import MS
from looplab.wire.events import Batch, ServerState

SIZE = (120, 36)
ADDRESS = "127.0.0.1:41873"
ITEM = {"parameters": [{"name": "id", "in": "path", "schema": {"type": "integer"}}]}
DOCUMENT = {"paths": {"/": {"get": {}}, "/items/{id}": {**ITEM, "get": {}, "delete": {}}, "/a": {"head": {}}}}


def own(folder: Path, *, waits: bool = True) -> Selection:
    scenario = own_app("main:app", folder=folder, traffic=own_traffic([get("/start")]))
    plan = scenario.traffic
    return Selection(scenario=scenario, variant=scenario.variants[0], knobs={}, plan=plan, waits=waits)


def ready(selection: Selection, run: int = 1) -> list[Batch]:
    started = replace(selection.announce(run, False, 1), t_ns=START_NS)
    return [Batch(0, START_NS, [started, ServerState(START_NS, "ready", ADDRESS, 1, "", [])])]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """Answer with the document, and keep who was asked."""
    addresses: list[tuple[str, dict[str, str]]] = []

    def ask(address: str, headers: dict[str, str]) -> list[Route]:
        addresses.append((address, headers))
        return routes(json.dumps(DOCUMENT))

    monkeypatch.setattr(picking, "ask", ask)
    return addresses


def rows(screen: RoutesScreen) -> list[str]:
    options = screen.query_one(OptionList)
    return [str(options.get_option_at_index(place).prompt).rstrip() for place in range(options.option_count)]


async def test_only_what_reads_is_picked_until_somebody_picks_more(
    tmp_path: Path, asked: list[tuple[str, dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    selection = own(tmp_path)
    stage = Stage(ready(selection), selection)
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 10 * MS)
        await stage.app.workers.wait_for_complete()
        await stage.play(pilot, START_NS + 20 * MS)
        assert [address for address, _ in asked] == [ADDRESS]
        screen = stage.app.screen
        assert isinstance(screen, RoutesScreen)
        assert rows(screen) == [
            "■   1 GET    /",
            "■   1 GET    /items/1",
            "□     HEAD   /a",
            "□     DELETE /items/1                                 changes data",
        ]
        await pilot.press("down", "down", "down", "space", "up", "up", "plus", "plus", "up", "minus", "w")
        assert rows(screen)[0].startswith("□")
        assert rows(screen)[1].startswith("■   3")
        written = read_traffic(tmp_path / "traffic-1.toml")
        assert [spec.name for spec in written.mix] == ["/items/1", "DELETE /items/1"]
        await pilot.press("enter")
        call = stage.lab.calls[-1]
        assert call[0] == "start_traffic"
        assert [(spec.name, spec.weight) for spec in stage.app.choice.selection.plan.mix] == [
            *(("/items/1", 3), ("DELETE /items/1", 1))
        ]
        assert not stage.app.choice.selection.waits


async def test_nothing_is_sent_before_something_is_picked_and_esc_sends_nothing(
    tmp_path: Path, asked: list[tuple[str, dict[str, str]]]
) -> None:
    selection = own(tmp_path)
    stage = Stage(ready(selection), selection)
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 10 * MS)
        await stage.app.workers.wait_for_complete()
        await stage.play(pilot, START_NS + 20 * MS)
        await pilot.press("a", "a", "enter")
        said = stage.app.screen.query_one("#said", Static)
        assert "3 of 4 picked" not in str(said.render())
        assert "nothing is picked" in str(said.render())
        await pilot.press("escape")
        await stage.play(pilot, START_NS + 30 * MS)
        assert not isinstance(stage.app.screen, RoutesScreen)
        assert "start_traffic" not in [call[0] for call in stage.lab.calls]
        # `s` has nothing to start, and asks again.
        await pilot.press("s")
        await stage.app.workers.wait_for_complete()
        assert isinstance(stage.app.screen, RoutesScreen)
        assert len(asked) == 2


async def test_an_app_without_a_document_is_asked_for_its_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(address: str, headers: dict[str, str]) -> list[Route]:
        raise NoDocument("/openapi.json answers 404")

    monkeypatch.setattr(picking, "ask", ask)
    selection = own(tmp_path)
    stage = Stage(ready(selection), selection)
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 10 * MS)
        await stage.app.workers.wait_for_complete()
        assert [call[0] for call in stage.lab.calls][-1] == "start_traffic"
        assert [spec.path for spec in stage.app.choice.selection.plan.mix] == ["/start"]
        assert stage.app.choice.hint == "no OpenAPI document: /openapi.json answers 404"


async def test_what_was_said_on_the_command_line_is_in_the_list_and_a_scenario_has_none(
    tmp_path: Path, asked: list[tuple[str, dict[str, str]]]
) -> None:
    selection = own(tmp_path, waits=False)
    stage = Stage(ready(selection), selection)
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 10 * MS)
        assert not asked
        await pilot.press("m")
        await stage.app.workers.wait_for_complete()
        await stage.play(pilot, START_NS + 20 * MS)
        screen = stage.app.screen
        assert isinstance(screen, RoutesScreen)
        assert [row for row in rows(screen) if row.startswith("■")] == ["■   1 GET    /start"]
    plain = Stage([])
    async with plain.app.run_test(size=SIZE) as pilot:
        await pilot.press("m")
        assert "looplab run MODULE:APP" in plain.app.choice.hint


@pytest.mark.parametrize(
    ("file", "root", "users"),
    [
        ("/shop/main.py", "/shop", True),
        ("/shop/.venv/lib/python3.11/site-packages/flask/app.py", "/shop", False),
        (
            "/v/site-packages/looplab/_scenarios/hello/app.py",
            "/v/site-packages/looplab/_scenarios/hello",
            True,
        ),
        ("/v/other.py", "/shop", False),
        ("/v/other.py", "", False),
    ],
)
def test_a_virtual_environment_in_the_folder_is_not_ones_own(file: str, root: str, users: bool) -> None:
    assert is_users(file, root) is users
