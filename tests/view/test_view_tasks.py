"""The tasks screen: what it asks of the lab, and what it shows of what a worker tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from stage import SOURCE, Stage, played
from streams import START_NS
from tasklists import ENDED, LIVE, RUNNING, SERVER, STACKS, T_NS, TASKS, row, tell
from textual.pilot import Pilot
from textual.widgets import Static

from looplab.view.palette import palette
from looplab.view.screens.main import MainScreen
from looplab.view.screens.question import Question
from looplab.view.screens.stacks import AGAIN_NS, StacksScreen
from looplab.view.screens.tasks import TasksScreen
from looplab.view.tasklist import TaskListView
from looplab.wire.events import Batch, Bye, Hello, Monitor, Tasks

SIZE = (120, 36)


class Told(Stage):
    """A stage whose tasks screen is open, and whose worker has told its tasks."""

    pilot: Pilot[None]

    @property
    def list(self) -> TaskListView:
        screens = (screen for screen in self.app.screen_stack if isinstance(screen, TasksScreen))
        return next(screens).query_one(TaskListView)

    def text(self) -> list[str]:
        """Give the rows in sight."""
        return [self.list.render_line(y).text.rstrip() for y in range(self.list.size.height)]

    def head(self) -> str:
        screen = self.list.screen
        return "\n".join(
            str(screen.query_one(f"#tasks-{name}", Static).content) for name in ("title", "state")
        )

    def asked(self) -> list[tuple[object, ...]]:
        """Give what was asked of the lab about tasks, and forget it."""
        names = ("start_monitor", "stop_monitor", "cancel_task", "describe_task")
        calls = [call for call in self.lab.calls if call[0] in names]
        self.lab.calls.clear()
        return calls

    async def go_on(self, *events: object, worker: int = 0) -> None:
        if events:
            tell(self, *events, worker=worker)  # type: ignore[arg-type]
        await self.play(self.pilot, self.clock.now_ns)


@asynccontextmanager
async def opened(size: tuple[int, int] = SIZE, **changes: object) -> AsyncIterator[Told]:
    stage = Told(played("async-await"), **changes)  # type: ignore[arg-type]
    async with stage.app.run_test(size=size) as stage.pilot:
        await stage.play(stage.pilot, T_NS)
        await stage.pilot.press("t")
        await stage.go_on()
        await stage.go_on(RUNNING, TASKS)
        yield stage


async def test_it_starts_aiomonitor_and_stops_it_when_left() -> None:
    async with opened() as stage:
        assert stage.asked() == [("start_monitor", 0, False, False)]
        await stage.pilot.press("escape")
        assert isinstance(stage.app.screen, MainScreen)
        assert stage.asked() == [("stop_monitor", 0)]
        await stage.pilot.press("t", "t")
        assert isinstance(stage.app.screen, MainScreen)


async def test_each_task_is_a_row() -> None:
    async with opened() as stage:
        running, waiting, ready, server = stage.text()[:4]
        assert running.split()[1:5] == ["#9", "Task-9", "RequestResponseCycle.run_asgi", "running"]
        assert running.endswith(f"{SOURCE.name}:25 read_root")
        assert "1.20 s" in waiting
        assert waiting.endswith(f"{SOURCE.name}:32 read_root › sleep")
        assert "ready" in ready
        assert "older" in server
        assert "4 live, 3 ended lately" in stage.head()
        assert "aiomonitor on · terminal closed · console off" in stage.head()


async def test_what_runs_while_the_loop_is_blocked_is_what_blocks() -> None:
    stage = Told(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as stage.pilot:
        await stage.play(stage.pilot, T_NS)
        await stage.pilot.press("t")
        await stage.go_on()
        await stage.go_on(RUNNING, TASKS)
        assert "blocking" in stage.text()[0]
        assert "■ loop blocked for" in stage.head()


async def test_the_cursor_stays_with_its_task() -> None:
    async with opened() as stage:
        await stage.pilot.press("down")
        assert stage.list.chosen == LIVE[1]
        changed = [row(30), *LIVE]
        await stage.go_on(Tasks(T_NS + 1, 5, changed, []))
        assert stage.list.chosen == LIVE[1]
        await stage.go_on(Tasks(T_NS + 2, 2, [row(30), SERVER], []))
        assert stage.list.chosen == SERVER
        await stage.go_on(Tasks(T_NS + 3, 0, [], []))
        assert stage.list.chosen is None
        await stage.pilot.press("x", "enter", "up")
        assert isinstance(stage.app.screen, TasksScreen)


async def test_a_task_is_cancelled_only_after_a_yes() -> None:
    async with opened() as stage:
        stage.asked()
        await stage.pilot.press("down", "x")
        assert isinstance(stage.app.screen, Question)
        await stage.pilot.press("enter")
        await stage.pilot.press("x", "escape")
        await stage.pilot.press("x", "n")
        assert isinstance(stage.app.screen, TasksScreen)
        assert stage.asked() == []
        await stage.pilot.press("x", "y")
        assert stage.asked() == [("cancel_task", 0, LIVE[1].id, "Task-12")]
        await stage.pilot.press("x", "right", "enter")
        assert stage.asked() == [("cancel_task", 0, LIVE[1].id, "Task-12")]


async def test_a_task_that_the_server_needs_is_asked_about_in_other_words() -> None:
    async with opened() as stage:
        await stage.pilot.press("end", "x")
        said = " ".join(str(text.content) for text in stage.app.screen.query(Static))
        assert "the server may need it" in said


async def test_enter_shows_the_stacks_and_goes_on_asking() -> None:
    async with opened() as stage:
        stage.asked()
        await stage.pilot.press("enter")
        await stage.go_on()
        screen = stage.app.screen
        assert isinstance(screen, StacksScreen)
        ask = ("describe_task", 0, LIVE[0].id, "Task-9")
        assert stage.asked() == [ask]
        await stage.go_on(STACKS)
        page = str(screen.query_one("#stacks", Static).content)
        assert "… 11 frames in starlette …" in page
        assert "time.sleep(delay)" in page
        stage.clock.now_ns += AGAIN_NS
        await stage.go_on(replace(STACKS, t_ns=T_NS + 1, found=False, stacks=[]))
        assert stage.asked() == [ask]
        assert str(screen.query_one("#stacks", Static).content) == page
        await stage.pilot.press("f")
        assert "layer7.py" in str(screen.query_one("#stacks", Static).content)
        await stage.pilot.press("escape")
        assert isinstance(stage.app.screen, TasksScreen)


async def test_the_second_page_shows_what_ended() -> None:
    async with opened() as stage:
        await stage.pilot.press("e")
        await stage.go_on()
        first, second, third = stage.text()[:3]
        assert first.startswith("  #5")
        assert first.endswith("returned")
        assert "cancelled" in second
        assert third.endswith("KeyError: 'user'")
        stage.asked()
        await stage.pilot.press("x")
        assert isinstance(stage.app.screen, TasksScreen)
        await stage.pilot.press("enter")
        await stage.go_on()
        assert stage.asked() == [("describe_task", 0, ENDED[0].id, "Task-5")]


async def test_a_held_list_stands_still() -> None:
    async with opened() as stage:
        await stage.pilot.press("space")
        before = stage.text()
        await stage.go_on(Tasks(T_NS + 1, 1, [SERVER], []))
        assert stage.text() == before
        assert "❄ list held" in stage.head()
        await stage.pilot.press("space")
        await stage.go_on()
        assert stage.text()[0].endswith("sleep › Future")


async def test_the_visit_begins_when_the_port_is_known_and_closes_it_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visits = []

    def visit(app: object, worker: int, port: int) -> str:
        visits.append((worker, port))
        return "the client said no"

    monkeypatch.setattr("looplab.view.pages.visit", visit)
    async with opened() as stage:
        stage.asked()
        await stage.pilot.press("a")
        await stage.go_on()
        assert stage.asked() == [("start_monitor", 0, False, True)]
        assert visits == []
        await stage.go_on(replace(RUNNING, t_ns=T_NS + 1, port=41_000))
        assert visits == [(0, 41_000)]
        assert stage.asked() == [("start_monitor", 0, False, False)]
        assert "the client said no" in stage.head()
        assert "terminal 127.0.0.1:41000" in stage.head()


async def test_what_does_not_run_says_why() -> None:
    async with opened() as stage:
        await stage.go_on(Monitor(T_NS + 1, False, 0, 0, 0, "it is not installed"))
        assert "aiomonitor does not run: it is not installed" in stage.head()
        assert stage.list.chosen is None


async def test_a_worker_that_replaces_another_is_asked_anew() -> None:
    async with opened() as stage:
        stage.asked()
        worker = stage.lab.model.workers[0]
        assert worker.source is not None
        assert worker.source.hello is not None
        hello = replace(worker.source.hello, pid=4711)
        stage.lab.inbox.append(Batch(worker.source.number, T_NS, [Bye(T_NS, clean=False)]))
        await stage.go_on()
        assert "not connected" in stage.head()
        stage.lab.inbox.append(Batch(77, T_NS, [hello]))
        await stage.go_on()
        assert stage.asked() == [("start_monitor", 0, False, False)]
        assert "pid 4711" in stage.head()


async def test_aiomonitor_goes_with_the_chosen_worker() -> None:
    async with opened() as stage:
        worker = stage.lab.model.workers[0]
        assert worker.source is not None
        assert worker.source.hello is not None
        second = replace(worker.source.hello, worker=1, pid=4712)
        stage.lab.inbox.append(Batch(77, T_NS, [second]))
        await stage.go_on()
        stage.asked()
        await stage.pilot.press("right")
        await stage.go_on()
        assert stage.asked() == [("stop_monitor", 0), ("start_monitor", 1, False, False)]
        await stage.go_on(RUNNING, replace(TASKS, live=[row(50)]), worker=1)
        assert "Task-50" in stage.text()[0]
        await stage.pilot.press("0")
        await stage.go_on()
        assert stage.asked() == [("stop_monitor", 1), ("start_monitor", 0, False, False)]
        await stage.pilot.press("9", "right", "left", "escape")
        assert stage.asked()[-1] == ("stop_monitor", 0)


async def test_a_worker_without_an_event_loop_is_not_asked() -> None:
    batches = [
        Batch(batch.source, batch.received_ns, [_wsgi(event) for event in batch.events])  # type: ignore[misc]
        for batch in played("async-await")
    ]
    stage = Told(batches)
    async with stage.app.run_test(size=SIZE) as stage.pilot:
        await stage.play(stage.pilot, T_NS)
        await stage.pilot.press("t")
        await stage.go_on()
        assert stage.asked() == []
        assert "this worker has no event loop" in stage.head()


def _wsgi(event: object) -> object:
    return replace(event, loop="") if isinstance(event, Hello) and event.role == "server" else event


async def test_hundreds_of_tasks_scroll() -> None:
    many = [row(n) for n in range(1, 501)]
    async with opened() as stage:
        await stage.go_on(Tasks(T_NS + 1, 900, many, []))
        assert "900 live, 500 listed" in stage.head()
        await stage.pilot.press("end")
        assert stage.list.chosen == many[-1]
        assert "Task-500" in stage.text()[-1]
        await stage.pilot.press("home", "pagedown")
        assert stage.list.chosen in many[20:40]


async def test_a_narrow_terminal_keeps_state_and_place() -> None:
    async with opened((80, 24)) as stage:
        running = stage.text()[0]
        assert len(running) <= 80
        assert "running" in running
        assert f"{SOURCE.name}:25 read_root" in running
        keys = stage.list.screen.query_one("#tasks-keys").render_line(0).text  # type: ignore[attr-defined]
        assert "esc back" in keys


async def test_the_keys_can_be_clicked() -> None:
    async with opened() as stage:
        await stage.pilot.click("#tasks", offset=(10, 1))
        assert stage.list.chosen == LIVE[1]
        keys = stage.list.screen.query_one("#tasks-keys").render_line(0).text  # type: ignore[attr-defined]
        await stage.pilot.click("#tasks-keys", offset=(keys.index("cancel"), 0))
        assert isinstance(stage.app.screen, Question)
        await stage.pilot.click("#no")
        await stage.pilot.click("#tasks-keys", offset=(keys.index("esc"), 0))
        assert isinstance(stage.app.screen, MainScreen)


async def test_a_console_is_asked_for_only_if_the_command_line_did() -> None:
    async with opened() as stage:
        stage.app._with_console = True
        await stage.pilot.press("escape", "t")
        await stage.go_on()
        assert stage.asked()[-1] == ("start_monitor", 0, True, False)
        await stage.go_on(replace(RUNNING, t_ns=T_NS + 1, console_port=41_001))
        assert "console 127.0.0.1:41001" in stage.head()


async def test_the_palette_opens_it_once() -> None:
    async with opened() as stage:
        await stage.app.run_action("tasks")
        await stage.pilot.pause()
        assert sum(isinstance(screen, TasksScreen) for screen in stage.app.screen_stack) == 1
        titles = [command.title for command in stage.app.get_system_commands(stage.app.screen)]
        assert "Tasks of a worker (aiomonitor)" in titles


def test_a_frame_of_a_library_is_named_with_its_folder() -> None:
    screen = StacksScreen(0, (1, "a"), "", str(Path("/home/me")), palette(), lambda: None, lambda: START_NS)
    frames = [("/lib/fastapi/routing.py", 3, "app", "x"), ("/home/me/app.py", 4, "root", "y")]
    page = screen.page(replace(STACKS, stacks=[("where it awaits", frames)])).plain
    assert "fastapi/routing.py:3 app" in page
    assert "  me/app.py:4 root\n      y" in page
