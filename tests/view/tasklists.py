"""What a worker tells of its tasks, for the tests of the tasks screen."""

from __future__ import annotations

from stage import SOURCE, Stage, selection
from streams import START_NS

from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Event, Monitor, TaskEnd, TaskRow, Tasks, TaskStacks

T_NS = START_NS + 3 * S
LIBRARY = "/usr/lib/python3.11/asyncio/"
RUNNING = Monitor(T_NS, True, 0, 0, 0, "")


def row(number: int, **changes: object) -> TaskRow:
    """Give a task of the user's code that waits."""
    fields: dict[str, object] = {
        "id": 140_000_000_000_000 + number,
        "name": f"Task-{number}",
        "coroutine": "RequestResponseCycle.run_asgi",
        "state": "waiting",
        "since_ns": T_NS - number * 100 * MS,
        "file": str(SOURCE),
        "line": 20 + number,
        "function": "read_root",
        "users": True,
        "awaits": "sleep",
        "rid": number,
    }
    return TaskRow(**{**fields, **changes})  # type: ignore[arg-type]


SERVER = row(
    1,
    coroutine="Server.serve",
    since_ns=0,
    file=LIBRARY + "tasks.py",
    line=649,
    function="sleep",
    users=False,
    awaits="Future",
    rid=0,
)

LIVE = [
    row(9, state="running", awaits="", line=25),
    row(12),
    row(7, state="ready", awaits="has not begun"),
    SERVER,
]

ENDED = [
    TaskEnd(5, "Task-5", "RequestResponseCycle.run_asgi", T_NS - 2 * S, T_NS - S, "returned", 5),
    TaskEnd(4, "reload", "reload", T_NS - 3 * S, T_NS - 2 * S, "cancelled", 0),
    TaskEnd(3, "Task-3", "fetch", T_NS - 4 * S, T_NS - 3 * S, "KeyError: 'user'", 3),
]

TASKS = Tasks(T_NS, 4, LIVE, ENDED)

STACKS = TaskStacks(
    T_NS,
    LIVE[0].id,
    LIVE[0].name,
    True,
    [
        (
            "where it runs",
            [
                ("/lib/uvicorn/protocols/http/httptools_impl.py", 422, "run_asgi", "result = await app("),
                *(
                    (f"/lib/starlette/layer{n}.py", n, "__call__", "await self.app(scope, receive, send)")
                    for n in range(12)
                ),
                (str(selection().scenario.folder / "app.py"), 25, "read_root", "time.sleep(delay)"),
            ],
        ),
        (
            "where Task-9 was made",
            [("/lib/uvicorn/protocols/http/httptools_impl.py", 309, "_start_asgi_task", "task = …")],
        ),
    ],
)


def tell(stage: Stage, *events: Event, worker: int = 0) -> None:
    """Let a worker say something."""
    found = next(known for known in stage.lab.model.workers if known.number == worker)
    assert found.source is not None
    stage.lab.inbox.append(Batch(found.source.number, T_NS, list(events)))
