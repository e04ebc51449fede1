"""The tasks of one worker: what lives, what has ended, and the ways to look closer and to cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from looplab.model import Model, Worker
from looplab.view import format as write
from looplab.view import tasks
from looplab.view.keys import TASK_KEYS
from looplab.view.palette import Palette
from looplab.view.panels.keybar import KeyBar
from looplab.view.screens.question import Question
from looplab.view.screens.stacks import StacksScreen
from looplab.view.state import View
from looplab.view.tasklist import TaskListView
from looplab.view.tasks import Row
from looplab.view.widget import PanelWidget
from looplab.wire.clock import MS
from looplab.wire.events import TaskRow, Tasks

_BAR = ("stacks", "cancel", "ended", "terminal", "hold", "app.help", "leave")
"""Actions of the last row, in its order."""
_KEYS = tuple((key.shown, key.help, key.action) for name in _BAR for key in TASK_KEYS if key.action == name)
_KEY_OF_WORKERS = ("→", "worker", "worker(1)")


class TaskLab(Protocol):
    """What the screen needs of a lab."""

    def start_monitor(self, worker: int, *, console: bool = False, terminal: bool = False) -> None: ...  # noqa: D102
    def stop_monitor(self, worker: int) -> None: ...  # noqa: D102
    def cancel_task(self, worker: int, number: int, name: str) -> None: ...  # noqa: D102
    def describe_task(self, worker: int, number: int, name: str) -> None: ...  # noqa: D102


class TasksScreen(Screen[None]):
    """aiomonitor runs in the chosen worker from the opening of this screen to its end."""

    KEYS_HERE = ("Tasks", TASK_KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key.keys, key.action, key.help, show=False) for key in TASK_KEYS),
        *(Binding(str(n), f"choose({n})", f"worker {n}", show=False) for n in range(10)),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    TasksScreen { background: $background; layout: vertical; overflow: hidden; }
    TasksScreen Static { height: 1; padding: 0 1; }
    TasksScreen #tasks-title { background: $surface; text-style: bold; }
    TasksScreen #tasks-state { background: $surface; }
    TasksScreen #tasks-heading { padding: 0; text-style: bold; }
    TasksScreen PanelWidget { height: 1; width: 1fr; background: $surface; }
    """

    def __init__(
        self,
        lab: TaskLab,
        look: Palette,
        clock: Callable[[], int],
        visit: Callable[[int, int], str],
        *,
        root: str = "",
        console: bool = False,
    ) -> None:
        """Make the screen.

        Args:
            lab: starts and stops aiomonitor.
            look: the colours.
            clock: gives the present moment, `monotonic_ns`.
            visit: leaves the screen for the terminal of a worker at a port, and says what went wrong.
            root: folder of the user's code.
            console: whether aiomonitor may open a Python console.
        """
        super().__init__()
        self._lab = lab
        self._look = look
        self._clock = clock
        self._visit = visit
        self._root = root
        self._with_console = console
        self._numbers: list[int] = []
        self._chosen = 0
        self._asked: tuple[Model, int, int] | None = None
        """Run, worker and connection that aiomonitor was asked for."""
        self._visiting = False
        self._said = ""
        self._held = False
        self._ended = False
        self._shown: tuple[object, ...] = ()
        self._worker: Worker | None = None
        self._keys = KeyBar(_KEYS)
        self._texts: dict[str, Text] = {}

    def compose(self) -> ComposeResult:
        """Make title, list and keys."""
        yield Static(id="tasks-title", markup=False)
        yield Static(id="tasks-state", markup=False)
        yield Static(id="tasks-heading", markup=False)
        yield TaskListView()
        yield PanelWidget(self._keys, id="tasks-keys")

    def on_mount(self) -> None:
        """Give the keys to the list."""
        self.query_one(TaskListView).focus()

    def dress(self, look: Palette) -> None:
        """Take other colours."""
        self._look = look
        self._texts.clear()

    def take(self, view: View) -> None:
        """See to it that aiomonitor runs, and show what the worker told."""
        if not self.is_mounted:
            return
        workers = view.model.workers
        self._numbers = [known.number for known in workers]
        self._worker = worker = next((w for w in workers if w.number == self._chosen), None)
        if worker is not None and worker.source is not None and worker.alive and _loop(worker):
            asked = (view.model, worker.number, worker.source.number)
            if self._asked is None or self._asked[0] is not asked[0] or self._asked[1:] != asked[1:]:
                self._asked = asked
                self._start()
        self._write("#tasks-title", Text(self._title(worker, len(workers))))
        self._write("#tasks-state", self._state(worker))
        self._write("#tasks-heading", Text(tasks.heading(self._ended, self.size.width)))
        self._keys.keys = (_KEY_OF_WORKERS, *_KEYS) if len(workers) > 1 else _KEYS
        self.query_one("#tasks-keys", PanelWidget).take(view)
        if worker is not None:
            self._list(worker)
            self._go(worker)

    def _list(self, worker: Worker) -> None:
        told = worker.tasks
        blocked = worker.loop.present_stall is not None
        shown = (told, worker, self._ended, blocked, self.size.width)
        if self._held and self._shown and shown[1:3] == self._shown[1:3]:
            return
        if not self._shown or any(a is not b and a != b for a, b in zip(shown, self._shown, strict=True)):
            self._shown = shown
            rows: list[Row] = []
            if told is not None:
                rows += told.ended if self._ended else told.live
            now_ns = told.t_ns if told is not None else 0
            self.query_one(TaskListView).show(rows, worker, now_ns, blocked=blocked)

    def _title(self, worker: Worker | None, workers: int) -> str:
        if worker is None or not worker.alive:
            return f"looplab  tasks   worker {self._chosen} is not connected"
        told = worker.tasks
        of = f" of {workers}" if workers > 1 else ""
        title = f"looplab  tasks   worker {worker.number}{of}   pid {worker.pid} {_loop(worker)}"
        return f"{title}   {_counted(told)}" if told is not None else title

    def _state(self, worker: Worker | None) -> Text:
        if worker is None or not worker.alive:
            return Text()
        parts = [Text(self._said)] if self._said else []
        marks = self._look.bar_marks
        if (stall := worker.loop.present_stall) is not None:
            length = write.duration((self._clock() - stall.began_ns) / MS)
            parts.append(Text(f"■ loop blocked for {length}", marks["error"]))
        if self._held:
            parts.append(Text("❄ list held", marks["info"]))
        monitor = worker.monitor
        if not _loop(worker):
            parts.append(Text("this worker has no event loop, and so no tasks"))
        elif monitor is None:
            parts.append(Text("starting aiomonitor …"))
        elif monitor.reason:
            parts.append(Text(f"aiomonitor does not run: {monitor.reason}", marks["warning"]))
        elif not monitor.running:
            parts.append(Text("aiomonitor stopped"))
        else:
            port = f"terminal 127.0.0.1:{monitor.port}" if monitor.port else "terminal closed"
            console = f"console 127.0.0.1:{monitor.console_port}" if monitor.console_port else "console off"
            parts.append(Text(f"aiomonitor on · {port} · {console}"))
        return Text("   ").join(parts)

    def _write(self, name: str, text: Text) -> None:
        if self._texts.get(name) != text:
            self._texts[name] = text
            self.query_one(name, Static).update(text)

    def _start(self, *, terminal: bool = False) -> None:
        self._lab.start_monitor(self._chosen, console=self._with_console, terminal=terminal)

    def _go(self, worker: Worker) -> None:
        """Leave for aiomonitor's terminal once its port is known, and close the port afterwards."""
        monitor = worker.monitor
        if not self._visiting or monitor is None:
            return
        if monitor.running and monitor.port:
            self._visiting = False
            self.call_later(self._leave_for, worker.number, monitor.port)
        elif not monitor.running:
            self._visiting = False

    def _leave_for(self, worker: int, port: int) -> None:
        self._said = self._visit(worker, port)
        self._start()

    # What people do

    def action_leave(self) -> None:
        """Stop aiomonitor and go back."""
        self._lab.stop_monitor(self._chosen)
        self.dismiss()

    def action_worker(self, step: int) -> None:
        """Go to the next or previous worker."""
        numbers = self._numbers
        if self._chosen in numbers:
            self.action_choose(numbers[(numbers.index(self._chosen) + step) % len(numbers)])

    def action_choose(self, number: int) -> None:
        """Go to a worker; aiomonitor goes with it."""
        if number == self._chosen or number not in self._numbers:
            return
        self._lab.stop_monitor(self._chosen)
        self._chosen, self._asked, self._said = number, None, ""
        self._visiting = self._held = False

    def action_ended(self) -> None:
        """Turn the page: the tasks that live, or those that ended."""
        self._ended = not self._ended

    def action_hold(self) -> None:
        """Hold the list, or let it go on."""
        self._held = not self._held

    def action_terminal(self) -> None:
        """Ask for aiomonitor's terminal; the visit begins when its port is known."""
        self._said = ""
        self._visiting = True
        self._start(terminal=True)

    def action_stacks(self) -> None:
        """Show the stacks of the task under the cursor."""
        row, worker = self.query_one(TaskListView).chosen, self._worker
        if row is None or worker is None:
            return
        number = worker.number
        self.app.push_screen(
            StacksScreen(
                number,
                tasks.key_of(row),
                f"{row.name}  {row.coroutine}  {tasks.request_label(worker, row.rid)}".rstrip(),
                self._root,
                self._look,
                lambda: self._lab.describe_task(number, row.id, row.name),
                self._clock,
            )
        )

    def on_task_list_view_opened(self) -> None:
        """Show the stacks of a task that was clicked twice."""
        self.action_stacks()

    def action_cancel(self) -> None:
        """Ask whether to cancel the task under the cursor."""
        row, worker = self.query_one(TaskListView).chosen, self._worker
        if not isinstance(row, TaskRow) or worker is None:
            return
        number = worker.number
        if row.rid:
            detail = f"Request {tasks.request_label(worker, row.rid)} gets no answer, or an error."
        elif row.users:
            detail = "CancelledError is raised where it awaits."
        else:
            detail = "It is not your code: the server may need it, and end without it."
        if worker.loop.present_stall is not None:
            detail += " The loop is blocked: it happens once the loop is free."

        def answered(yes: bool | None) -> None:
            if yes:
                self._lab.cancel_task(number, row.id, row.name)

        question = f"Cancel {row.name} ({row.coroutine})?"
        self.app.push_screen(Question(question, detail, "Yes, cancel it"), answered)


def _loop(worker: Worker) -> str:
    """Give the name of a worker's event loop; empty for a worker without one."""
    hello = worker.source.hello if worker.source is not None else None
    return hello.loop if hello is not None else "asyncio"


def _counted(told: Tasks) -> str:
    listed = f", {len(told.live)} listed" if told.total > len(told.live) else ""
    return f"{told.total} live{listed}, {len(told.ended)} ended lately"
