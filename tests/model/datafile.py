"""Reads the data files of the model's tests: terse events above, the table that they must give below.

Times are milliseconds after an origin of one second (0 means "not yet" on the wire, and must not come
up by accident), intervals are `begin-end`. Phases are letters:

    q queued  r running  B blocking  a awaiting  w thread-wait  T thread  p pool-wait  Q query  y ready
    s sending  . nothing

Each line above `expect` is one event, and `SOURCE EVENT NAME=VALUE…`; each line below it is
`FACT ARGUMENTS : VALUE` and is compared with what the model says at `now`, the first line below `expect`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from looplab.model import BUSY, HELD, Model, words
from looplab.wire.clock import MS
from looplab.wire.events import (
    PROTOCOL,
    Backlog,
    Batch,
    Bye,
    ClientRequest,
    Collection,
    Connections,
    Event,
    Hello,
    Histogram,
    LoopSample,
    Monitor,
    OpenRequests,
    Phase,
    Run,
    RunStarted,
    ServerRequest,
    ServerState,
    Slots,
    SlotUse,
    Stall,
    TrafficFailed,
    TrafficState,
    Woken,
)

LETTERS = {
    "q": Phase.QUEUED,
    "r": Phase.RUNNING,
    "B": Phase.BLOCKING,
    "a": Phase.AWAITING,
    "w": Phase.THREAD_WAIT,
    "T": Phase.THREAD,
    "p": Phase.POOL_WAIT,
    "Q": Phase.QUERY,
    "y": Phase.READY,
    "s": Phase.SENDING,
}
GLYPHS = {0: ".", **{int(phase): letter for letter, phase in LETTERS.items()}}
SOURCES = {"lab": 0, "server": 1, "traffic": 2, "server2": 3, "server3": 4}
SOURCE_FILE = "/scenario/app.py"
ORIGIN_NS = 1_000 * MS
_LASTING = {"lag", "max", "busy_time"}


class Fields(dict[str, str]):
    """The `name=value` words of a line."""

    def ns(self, name: str, default: str = "") -> int:
        """A time; 0 if it is not given."""
        value = self.get(name, default)
        return ORIGIN_NS + int(float(value) * MS) if value else 0

    def length(self, name: str) -> int:
        """A duration."""
        return int(float(self.get(name, "0")) * MS)

    def int(self, name: str, default: int = 0) -> int:
        return int(self.get(name, default))

    def ints(self, name: str) -> list[int]:
        return [int(item) for item in self.get(name, "").split(",") if item]


def play(text: str) -> tuple[list[str], list[str]]:
    """Give the table that a file expects and the one that the model gives, line by line."""
    above, _, below = text.partition("\nexpect\n")
    model = Model()
    for batch in batches(above):
        model.apply(batch)
    lines = [line.strip() for line in below.splitlines() if line.strip() and not line.startswith("#")]
    now_ns = Fields(now=lines[0].removeprefix("now ")).ns("now")
    expected, found = [], []
    for line in lines[1:]:
        question, _, answer = line.partition(":")
        name, *arguments = question.split()
        expected.append(f"{' '.join(question.split())} : {answer.strip()}")
        found.append(f"{' '.join(question.split())} : {FACTS[name](model, now_ns, *arguments)}")
    return expected, found


def batches(text: str) -> list[Batch]:
    """Read the events, one batch a line."""
    result = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        source, kind, *rest = shlex.split(line)
        fields = Fields(item.split("=", 1) for item in rest if "=" in item)
        bare = [item for item in rest if "=" not in item]
        result.append(Batch(SOURCES[source], 0, [EVENTS[source[:6], kind](bare, fields)]))
    return result


def _hello(bare: list[str], f: Fields, role: Any) -> Event:
    instruments = ["requests", "loop", "stalls", "threads"]
    return Hello(PROTOCOL, f.int("run", 1), role, f.int("worker"), 100, "3.11", "asyncio", instruments, 1, 1)


def _run(bare: list[str], f: Fields) -> Event:
    return RunStarted(
        f.ns("at", "0"),
        f.int("run", 1),
        "s",
        "v",
        "title",
        {},
        "uvicorn",
        f.int("workers", 1),
        f.int("users", 1),
        SOURCE_FILE,
        "f",
        f.get("warm") == "yes",
        f.int("first_id", 1),
    )


def _server_state(bare: list[str], f: Fields) -> Event:
    return ServerState(
        f.ns("at", "0"),
        bare[0],
        "",
        1,
        f.get("reason", ""),
        f.get("log", "").split("|"),  # type: ignore[arg-type]
    )


def _client(bare: list[str], f: Fields) -> Event:
    return ClientRequest(
        int(bare[0]),
        f.int("user"),
        0,
        f.ns("scheduled", f.get("sent", "")),
        f.ns("sent"),
        f.ns("first", f.get("done", "")),
        f.ns("done"),
        f.int("status", 200),
        f.get("error", ""),
    )


def _request(bare: list[str], f: Fields) -> Event:
    phases = [
        (int(LETTERS[item[0]]), ORIGIN_NS + int(float(item[1:]) * MS))
        for item in f.get("phases", "").split(",")
        if item
    ]
    return ServerRequest(
        int(bare[0]),
        f.int("client"),
        "GET",
        "/",
        f.ns("began"),
        f.int("first"),
        phases,
        f.ns("ended"),
        f.int("status", 200),
        f.int("slot", -1),
    )


def _slots(bare: list[str], f: Fields) -> Event:
    holders = []
    for item in f.get("holders", "").split(","):
        if item:
            slot, rid, since = item.split(":")
            holders.append((int(slot), int(rid), ORIGIN_NS + int(float(since) * MS)))
    return Slots(
        f.ns("at"),
        f.get("pool", "threadpool"),
        f.int("total", 2),
        f.int("held"),
        f.int("busy"),
        f.int("waiting"),
        holders,
        f.ints("queue"),
        f.get("kind", "threads"),  # type: ignore[arg-type]
        f.int("connecting"),
        f.int("idle"),
    )


def _traffic_state(bare: list[str], f: Fields) -> Event:
    histogram = Histogram({}, 0, 0)
    return TrafficState(
        f.ns("at"),
        f.get("executor", "burst"),
        "ended" not in f,
        f.ns("started"),
        f.ns("ended"),
        f.int("users"),
        f.int("in_flight"),
        f.int("sent"),
        f.int("sent"),
        f.int("ok"),
        {"timeout": f.int("timeout")},
        f.int("never_sent"),
        f.int("unfinished"),
        histogram,
        histogram,
        f.length("cpu"),
        f.length("lag"),
    )


EVENTS: dict[tuple[str, str], Callable[[list[str], Fields], Event]] = {
    ("lab", "run"): _run,
    ("lab", "server"): _server_state,
    ("lab", "broken"): lambda bare, f: TrafficFailed(f.ns("at"), f.get("reason", "")),
    ("server", "hello"): lambda bare, f: _hello(bare, f, "server"),
    ("traffi", "hello"): lambda bare, f: _hello(bare, f, "traffic"),
    ("lab", "backlog"): lambda bare, f: Backlog(f.ns("at"), f.int("waiting"), f.int("limit", 2048)),
    ("server", "collection"): lambda bare, f: Collection(
        f.ns("began"), f.ns("ended"), f.int("generation", 2), f.int("collected")
    ),
    ("server", "connections"): lambda bare, f: Connections(
        f.ns("at"), f.int("open"), f.int("limit"), f.int("parked")
    ),
    ("server", "monitor"): lambda bare, f: Monitor(
        f.ns("at"), f.get("running") == "yes", f.int("port"), 0, 0, f.get("reason", "")
    ),
    ("traffi", "client"): _client,
    ("traffi", "state"): _traffic_state,
    ("traffi", "bye"): lambda bare, f: Bye(f.ns("at"), f.get("clean") != "no"),
    ("server", "bye"): lambda bare, f: Bye(f.ns("at"), f.get("clean") != "no"),
    ("server", "request"): _request,
    ("server", "open"): lambda bare, f: OpenRequests(f.ns("at"), f.ints("rids")),
    ("server", "sample"): lambda bare, f: LoopSample(
        f.ns("at"),
        f.length("lag"),
        f.length("max"),
        f.length("busy"),
        0,
        f.int("rid"),
        f.ns("since"),
        f.length("thread"),
        f.length("cpu"),
        f.length("lacked"),
    ),
    ("server", "run"): lambda bare, f: Run(f.ns("began"), f.ns("ended")),
    ("server", "stall"): lambda bare, f: Stall(
        int(bare[0]),
        f.ns("began"),
        f.ns("at", f.get("ended", "")),
        f.ns("ended"),
        f.get("kind", "blocked"),  # type: ignore[arg-type]
        f.int("rid"),
        f.get("file", SOURCE_FILE),
        f.int("line", 31),
        f.get("function", "read_root"),
        f.get("text", "time.sleep(delay)"),
        [],
        1,
        f.get("detail", ""),
    ),
    ("server", "slots"): _slots,
    ("server", "woken"): lambda bare, f: Woken(f.ns("at"), f.get("pool", "threadpool"), f.int("requests")),
    ("server", "use"): lambda bare, f: SlotUse(
        f.get("pool", "threadpool"),
        f.int("slot"),
        f.int("rid"),
        f.ns("requested"),
        f.ns("taken"),
        f.ns("finished"),
        f.ns("released"),
    ),
}


def _ms(ns: int) -> str:
    return f"{(ns - ORIGIN_NS) / MS:g}"


def _picture(lane: Any, now_ns: int, axis: str) -> str:
    """Columns of a row: the axis is `from+width*count`, in ms."""
    begin, _, rest = axis.partition("+")
    width, _, count = rest.partition("*")
    begin_ns = ORIGIN_NS + int(float(begin) * MS)
    codes = lane.phases_by_column(begin_ns, int(float(width) * MS), 0, int(count), now_ns)
    return "".join(GLYPHS[code] for code in codes)


def _spans(model: Model, now_ns: int, name: str) -> str:
    """Spans of a request by its client number, or by `source/rid`."""
    source, _, rid = name.rpartition("/")
    request = model.request(SOURCES[source], int(rid)) if source else model.requests.by_client.get(int(rid))
    if request is None:
        return "unknown"
    spans = request.spans(0, 1 << 62, now_ns)
    return " ".join(f"{GLYPHS[phase]}{_ms(begin)}-{_ms(end)}" for begin, end, phase in spans)


def _verdicts(model: Model, now_ns: int, number: str) -> str:
    found = model.verdicts(now_ns)
    return f"{found[int(number)].id} {found[int(number)].severity}" if int(number) < len(found) else "none"


def _stalls(model: Model, now_ns: int, number: str) -> str:
    worker = model.worker(int(number))
    assert worker is not None
    stalls = worker.loop.stalls
    present = f"present since {_ms(stalls.present.began_ns)}, " if stalls.present else ""
    lengths = ", ".join(
        f"{(stall.ended_ns - stall.began_ns) / MS:g}"
        f" {words.where(stall.place, SOURCE_FILE)} {stall.place.kind}"
        for stall in stalls.longest
    )
    return f"{present}{stalls.total} ended" + (f": {lengths}" if lengths else "")


def _victims(model: Model, now_ns: int, number: str) -> str:
    """Victims of each stall that is over, the longest first, and of all of them."""
    worker = model.worker(int(number))
    assert worker is not None
    model.settle(now_ns)
    delays = worker.loop.delays
    each = ", ".join(f"{stall.victims} {stall.delay_ns / MS:g}" for stall in worker.loop.stalls.longest)
    return f"{each}; {delays.victims} {delays.delay_ns / MS:g} in all"


def _delayed(model: Model, now_ns: int, name: str) -> str:
    """Who delayed a request most, by the client number of the request."""
    delay = model.delayed_by(model.requests.by_client[int(name)], now_ns)
    if delay is None:
        return "nobody"
    return f"{delay.rid} at line {delay.place.line}: {delay.delay_ns / MS:g} of {delay.total_ns / MS:g}"


def _collections(model: Model, now_ns: int, number: str) -> str:
    worker = model.worker(int(number))
    assert worker is not None
    found = worker.collections
    generations = " ".join(f"{number}:{ns / MS:g}" for number, ns in sorted(found.by_generation.items()))
    return f"{found.count}, {found.sum_ns / MS:g}, generations {generations}"


def _connections(model: Model, now_ns: int, number: str) -> str:
    worker = model.worker(int(number))
    assert worker is not None
    found = worker.connections
    return f"{found.open} of {found.limit}, {found.parked} parked" if found else "unknown"


def _monitor(model: Model, now_ns: int, number: str) -> str:
    worker = model.worker(int(number))
    assert worker is not None
    found = worker.monitor
    return (f"port {found.port}" if found.running else found.reason) if found else "unknown"


def _resources(model: Model, now_ns: int) -> str:
    found = model.ceiling(now_ns)
    return ", ".join(f"{each.name} {each.rps:.1f}" for each in found.resources) if found else "none"


def _runs(model: Model, now_ns: int, number: str) -> str:
    worker = model.worker(int(number))
    assert worker is not None
    return " ".join(
        f"{GLYPHS[run.phase]}{_ms(run.began_ns)}-{_ms(run.ended_ns)}#{run.rid}" for run in worker.loop.runs
    )


def _pool(model: Model, worker: str) -> Any:
    found = model.worker(int(worker))
    assert found is not None
    return found.slots["threadpool"]


FACTS: dict[str, Callable[..., str]] = {
    "user": lambda model, now, number, axis: _picture(model.users.row(int(number)), now, axis),
    "foreign": lambda model, now, number, axis: _picture(model.users.foreign[int(number)], now, axis),
    "loop": lambda model, now, number, axis: _picture(model.worker(int(number)).loop, now, axis),
    "slot": lambda model, now, number, axis: (
        _picture(_pool(model, "0").slots[int(number)], now, axis)
        .replace(GLYPHS[BUSY], "#")
        .replace(GLYPHS[HELD], "-")
    ),
    "spans": _spans,
    "rows": lambda model, now: f"{len(model.users.rows)} users, {len(model.users.foreign)} foreign",
    "in-flight": lambda model, now: str(model.in_flight),
    "queued": lambda model, now: str(model.queued),
    "phase": lambda model, now, letter: str(model.count(LETTERS[letter])),
    "runs": _runs,
    "stalls": _stalls,
    "victims": _victims,
    "delayed": _delayed,
    "collections": _collections,
    "connections": _connections,
    "monitor": _monitor,
    "backlog": lambda model, now: str(model.backlog.waiting) if model.backlog else "unknown",
    "resources": _resources,
    "verdicts": lambda model, now: " ".join(verdict.id for verdict in model.verdicts(now)) or "none",
    "client-limited": lambda model, now: "yes" if model.result()["client_limited"] else "no",
    "lag": lambda model, now, number: f"{model.worker(int(number)).loop.lag_ns(now) / MS:g}",
    "busy": lambda model, now, number: f"{model.worker(int(number)).loop.busy_in_run(now):.2f}",
    "batches": lambda model, now, name: str(model.result()["slots"][name]["batches"]),
    "threads": lambda model, now, number: (
        f"{_pool(model, number).held} held, {_pool(model, number).busy} busy,"
        f" {_pool(model, number).waiting} waiting, peak {_pool(model, number).peak},"
        f" full {_pool(model, number).full_ns / MS:g}"
    ),
    "mean-busy": lambda model, now, number: f"{_pool(model, number).mean_busy(now):.2f}",
    "worker": lambda model, now, number: (
        f"{'alive' if model.worker(int(number)).alive else 'dead'}, {model.worker(int(number)).starts} starts"
    ),
    "started": lambda model, now: _ms(model.started_ns),
    "finished": lambda model, now: _ms(model.ended_ns),
    "counts": lambda model, now: f"{model.statistics().ok} ok, {model.statistics().unfinished} unfinished",
    "verdict": _verdicts,
    "says": lambda model, now, number: model.verdicts(now)[int(number)].text,
    "detail": lambda model, now, number: model.verdicts(now)[int(number)].detail,
    "ceiling": lambda model, now: (
        f"{found.rps:.1f} {found.bottleneck}" if (found := model.ceiling(now)) else "none"
    ),
}
