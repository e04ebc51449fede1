"""The call that a user's line makes: real frames, caught by hooks that the called code calls in its turn."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from looplab.lab.linecalls import call_on_line
from looplab.probe.calls import Calls
from looplab.probe.holders import chain
from looplab.probe.runqueue import Reading
from looplab.probe.stacks import Place, Stack, Stacks
from looplab.probe.stalls import Hold
from looplab.wire.clock import MS

USERS = '''
"""Code of a user; each function lets a library call `hook` at the moment that counts."""

import asyncio
import json
import os.path
import re
import sqlite3
import time
from functools import partial
from time import sleep

import remote
import remote.api as wire
from remote import Session, api, retried


class Mine(Session):
    def fetch(self, hook):
        return self.get(hook)


class Now:
    def __init__(self, hook):
        self.hook = hook

    def __index__(self):
        return self.hook() or 0


class Repository:
    def __init__(self):
        self.rows = [1]
        self.session = Session()


repository = Repository()


def module(hook): time.sleep(Now(hook))
def imported_name(hook): sleep(Now(hook))
def json_loads(hook): json.loads('{"a": 1}', object_hook=hook)
def regex(hook): re.sub("a", hook, "a")
def compiled(hook): re.compile("a").sub(hook, "a")
def method_of_c(hook):
    pattern = re.compile("a")
    pattern.sub(hook, "a")
def builtin(hook): sorted([1], key=hook)
def attribute_of_attribute(hook): repository.rows.sort(key=hook)
def library(hook): remote.get(hook)
def alias(hook): wire.get(hook)
def from_package(hook): api.get(hook)
def local_object(hook):
    session = Session()
    session.get(hook)
def object_of_object(hook): repository.session.get(hook)
def own_subclass(hook): Mine().fetch(hook)
def class_method(hook): remote.connect(hook)
def decorated(hook): retried(hook)
def class_itself(hook): Session(hook)
def chained(hook): repository.session.via(1).rows.sort(key=hook)
def called_chain(hook): make(1)(2).sort(key=hook)
def on_lines(hook):
    return (
        make(1)(2)
        .sort(key=hook)
    )
def entered(hook):
    with remote.Guard(hook): pass
def entered_object(hook):
    guard = remote.Guard(hook)
    with guard:
        pass
def iterated(hook):
    rows = map(hook, [1])
    for _ in rows: pass
def import_inside(hook):
    import remote.late
def awaited(hook):
    coroutine = waits(hook)
    try:
        coroutine.send(None)
    except StopIteration:
        pass
async def waits(hook): await remote.request(hook)
def object_called(hook): partial(hook)()
def object_in_c(hook):
    found = partial(sorted, [1], key=hook)
    found()
def no_call(hook): return Now(hook) + 1
Now.__add__ = lambda self, other: self.hook()
def umlauts(hook): return "äöü", sorted([1], key=hook)


def make(number):
    return lambda other: [number]
'''

LIBRARY = {
    "__init__.py": """
from . import api
from .api import get, request, retried
from .sessions import Guard, Session
connect = Session.connect
""",
    "api.py": """
import functools
from .sessions import Session
def get(hook):
    return Session().get(hook)
async def request(hook):
    return Session().get(hook)
def again(function):
    @functools.wraps(function)
    def wrapper(hook):
        return function(hook)
    return wrapper
@again
def retried(hook):
    return hook()
""",
    "sessions.py": """
class Session:
    def __init__(self, hook=None):
        self.rows = [1]
        if hook is not None:
            hook()
    @classmethod
    def connect(cls, hook):
        return hook()
    def get(self, hook):
        return hook()
    def via(self, number):
        return self
class Guard:
    def __init__(self, hook):
        self.hook = hook
    def __enter__(self):
        self.hook()
    def __exit__(self, *error):
        pass
""",
    "late.py": """
import sys
sys.modules["users_code"].HOOK()
""",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its code and, among its libraries, one that is not installed anywhere else."""
    folder = tmp_path_factory.mktemp("project")
    library = folder / "site-packages" / "remote"
    library.mkdir(parents=True)
    for name, text in LIBRARY.items():
        (library / name).write_text(text)
    (folder / "users_code.py").write_text(USERS)
    return folder


@pytest.fixture(scope="module")
def users_code(folder: Path) -> Iterator[ModuleType]:
    """The user's module."""
    paths = [str(folder), str(folder / "site-packages")]
    sys.path[:0] = paths
    try:
        yield importlib.import_module("users_code")
    finally:
        for path in paths:
            sys.path.remove(path)
        for name in [name for name in sys.modules if name.partition(".")[0] in ("remote", "users_code")]:
            del sys.modules[name]


def caught(users_code: ModuleType, folder: Path, function: str) -> Place:
    """Call a function of the user's, and give what is described where it calls the hook."""
    stacks = Stacks(threading.get_ident(), str(folder))
    found: list[Place] = []

    def hook(*_: object) -> str:
        frames = [frame for frame in chain(sys._getframe(1)) if frame.f_code.co_filename != __file__]
        while frames[0].f_code.co_name in ("__index__", "<lambda>"):
            del frames[0]
        found.append(stacks.describe(frames)[0])
        return ""

    users_code.HOOK = hook  # type: ignore[attr-defined]
    call: Callable[[object], object] = getattr(users_code, function)
    try:
        call(hook)
    except (TypeError, ValueError):
        # What the hook gives is no number of seconds.
        assert found
    return found[0]


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("module", "time.sleep"),
        ("imported_name", "time.sleep"),
        ("json_loads", "json.loads"),
        ("regex", "re.sub"),
        ("compiled", "re.compile(…).sub"),
        ("method_of_c", "re.Pattern.sub"),
        ("builtin", "sorted"),
        ("attribute_of_attribute", "list.sort"),
        ("library", "remote.get"),
        ("alias", "remote.get"),
        ("from_package", "remote.get"),
        ("local_object", "remote.Session.get"),
        ("object_of_object", "remote.Session.get"),
        ("own_subclass", "remote.Session.get"),
        ("class_method", "remote.connect"),
        ("decorated", "remote.retried"),
        ("class_itself", "remote.Session"),
        ("chained", "repository.session.via(…).rows.sort"),
        ("called_chain", "make(…)(…).sort"),
        ("on_lines", "….sort"),
        ("entered", "remote.Guard"),
        ("entered_object", "remote.Guard"),
        ("import_inside", "import remote.late"),
        ("awaited", "remote.request"),
        ("object_called", "partial(…)"),
        ("no_call", ""),
        ("object_in_c", "found"),
        ("umlauts", "sorted"),
    ],
)
def test_a_call_is_named_as_people_write_it(
    users_code: ModuleType, folder: Path, function: str, call: str
) -> None:
    place = caught(users_code, folder, function)
    assert place.file == str(folder / "users_code.py")
    assert place.call == call


def test_a_function_in_python_that_has_no_frame_is_not_what_runs(users_code: ModuleType) -> None:
    found: list[str] = []

    def hook(*_: object) -> None:
        frame = next(frame for frame in chain(sys._getframe(1)) if frame.f_code.co_name == "library")
        found.append(Calls(lambda file: False).name(frame, None))

    users_code.library(hook)
    assert found == [""]


def test_a_call_without_source_has_the_name_of_the_librarys_frame(
    users_code: ModuleType, folder: Path
) -> None:
    source = "def gone(hook): remote.connect(hook)"
    exec(compile(source, str(folder / "gone.py"), "exec"), vars(users_code))
    assert caught(users_code, folder, "gone").call == "remote.connect"


def test_an_object_that_fails_when_it_is_looked_at_leaves_the_call_unnamed(
    users_code: ModuleType, folder: Path
) -> None:
    armed: list[bool] = []

    class Hostile(type):
        def __getattribute__(cls, name: str) -> object:
            if armed:
                raise RuntimeError(name)
            return super().__getattribute__(name)

    class Trap(metaclass=Hostile):
        deeper = staticmethod(sorted)

    users_code.trap, users_code.arm = Trap, armed.append  # type: ignore[attr-defined]
    path = folder / "trapped.py"
    path.write_text("def trapped(hook): trap.deeper([1], key=lambda _: (arm(True), hook())[1])")
    exec(compile(path.read_text(), str(path), "exec"), vars(users_code))
    assert caught(users_code, folder, "trapped").call == ""
    assert armed


def test_a_lock_that_another_thread_waits_for(folder: Path) -> None:
    lock, waits = threading.Lock(), threading.Event()
    source = "def wait(lock, waits):\n    waits.set()\n    with lock:\n        pass\n"
    path = folder / "waiting.py"
    path.write_text(source)
    names: dict[str, Callable[..., None]] = {}
    exec(compile(source, str(path), "exec"), names)
    lock.acquire()
    thread = threading.Thread(target=names["wait"], args=(lock, waits))
    thread.start()
    try:
        assert waits.wait(10)
        assert thread.ident is not None
        stacks = Stacks(thread.ident, str(folder))
        place = Place("", 0, "")
        while place.line != 3:
            place, _ = stacks.describe(chain(sys._current_frames()[thread.ident]))
        assert place.call == "threading.Lock"
    finally:
        lock.release()
        thread.join()


@pytest.mark.parametrize(
    ("calls", "call"),
    [
        (["time.sleep"], "time.sleep"),
        (["time.sleep", "time.sleep", ""], "time.sleep"),
        (["math.sqrt", "", "", "math.sqrt"], ""),
        (["", ""], ""),
    ],
)
def test_a_stall_names_the_call_of_most_of_its_samples(calls: list[str], call: str) -> None:
    hold = Hold(None, 0, Reading(0, 0))
    for number, name in enumerate(calls, 1):
        hold.see(Place("/app.py", 3, "f", name), [], Reading(number * 10 * MS, 0))
    stall = hold.report(200 * MS, 0, 200 * MS)
    assert (stall.line, stall.samples, stall.call) == (3, len(calls), call)


def test_what_the_machine_has_done_is_no_calls_fault() -> None:
    hold = Hold(None, 0, Reading(0, 0))
    hold.see(Place("/app.py", 3, "f", "time.sleep"), [], Reading(10 * MS, 0))
    stall = hold.report(200 * MS, 190 * MS, 200 * MS)
    assert (stall.kind, stall.call) == ("starved", "")


LINES = """
import json, re
import numpy as np
from hashlib import sha256 as digest
def f(a, pool):
    json.loads(a)
    np.linalg.svd(a)
    digest(a)
    re.match(a, json.dumps(a))
    pool.run(a)
    import remote.late
    a + 1
    f(
        a
    )
    b = str(json.loads(a))
"""


@pytest.mark.parametrize(
    ("line", "above", "call"),
    [
        (6, None, "json.loads"),
        (6, ("/usr/lib/python3.11/json/__init__.py", 1, "loads"), "json.loads"),
        (7, ("/v/lib/python3.12/site-packages/numpy/linalg/_linalg.py", 1, "svd"), "numpy.linalg.svd"),
        (8, None, "hashlib.sha256"),
        (9, None, ""),
        (9, ("/usr/lib/python3.13/re/__init__.py", 1, "match"), "re.match"),
        (10, None, "pool.run"),
        (10, ("/v/site-packages/pools/threads.py", 1, "run"), "pools.threads.run"),
        (11, ("<frozen importlib._bootstrap>", 1, "_find_and_load"), "import remote.late"),
        (12, None, ""),
        (16, None, "json.loads"),
        (13, None, "f"),
        (99, None, ""),
    ],
)
def test_a_worker_that_cannot_speak_has_its_call_named_from_the_line(
    tmp_path: Path, line: int, above: tuple[str, int, str] | None, call: str
) -> None:
    path = tmp_path / "lines.py"
    path.write_text(LINES)
    stack: Stack = [("/app.py", 1, "main"), (str(path), line, "f"), *([above] if above else [])]
    assert call_on_line(Place(str(path), line, "f"), stack) == call


def test_a_file_that_cannot_be_read_names_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def (")
    assert call_on_line(Place(str(broken), 1, "f"), []) == ""
    assert call_on_line(Place(str(tmp_path / "gone.py"), 1, "f"), []) == ""
    assert call_on_line(Place("", 0, ""), []) == ""
