"""Exports of recordings: the trace held to its format, the table to the model, the page to itself."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace
from streams import stream

from looplab.model import Model
from looplab.recording import Index, Recorder, Recording, index
from looplab.report.exports import FORMATS, slices
from looplab.report.exports.canvas import microseconds
from looplab.report.exports.slices import Entry, Sorter, nested
from looplab.report.exports.sweep import Span, spans, sweep
from looplab.report.exports.timeline import Timeline
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, ClientRequest, ServerRequest, SlotUse, Stall, Turned

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings").glob("*.looplab"))
BLOCKING = next(path for path in RECORDINGS if "async-blocking" in path.name)
POOL = next(path for path in RECORDINGS if "pool-5" in path.name)
each = pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)

Opened = tuple[Recording, Index]


def opened(path: Path) -> Opened:
    recording = Recording(path)
    return recording, index(recording)


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[list[Batch]], Opened]:
    """Record batches, and open the recording."""

    def record(batches: list[Batch]) -> Opened:
        path = tmp_path / f"made-{len(list(tmp_path.iterdir()))}.looplab"
        recorder = Recorder(path, "one-keyword", "async-blocking", {}, {}, lambda text: None)
        for batch in batches:
            recorder.put(batch)
        recorder.close()
        return opened(path)

    return record


def exported(found: Opened, kind: str, tmp_path: Path) -> str:
    path = tmp_path / f"out.{kind}"
    FORMATS[kind](*found, path)
    return path.read_text("utf-8")


def events_of(found: Opened, tmp_path: Path) -> list[dict[str, Any]]:
    trace = json.loads(exported(found, "perfetto", tmp_path))
    assert trace["displayTimeUnit"] == "ms"
    events: list[dict[str, Any]] = trace["traceEvents"]
    return events


def clients(batches: Iterable[Batch]) -> set[int]:
    return {event.client for batch in batches for event in batch.events if isinstance(event, ClientRequest)}


# The trace


@each
def test_a_trace_keeps_to_its_format(path: Path, tmp_path: Path) -> None:
    events = events_of(opened(path), tmp_path)
    assert {event["ph"] for event in events} >= {"M", "X", "C", "i"}
    named: dict[str, set[tuple[int, int]]] = defaultdict(set)
    times = []
    for event in events:
        track = event["pid"], event["tid"]
        assert all(isinstance(number, int) and number >= 0 for number in track)
        assert event["name"]
        if event["ph"] == "M":
            named[event["name"]].add(track)
            continue
        times.append(event["ts"])
        match event["ph"]:
            case "X":
                assert event["dur"] >= 0
            case "C":
                assert all(isinstance(value, int | float) for value in event["args"].values())
            case "i":
                assert event["s"] == "t"
            case phase:
                assert phase in "sf"
    assert times == sorted(times)
    assert times[0] == 0
    tracks = {(event["pid"], event["tid"]) for event in events if event["ph"] != "M"}
    assert tracks <= named["thread_name"]
    assert named["thread_name"] == named["thread_sort_index"]
    assert {pid for pid, _ in tracks} == {pid for pid, _ in named["process_name"]}


def perfetto_ns(us: float) -> int:
    """Read a time as Perfetto does: what is behind the point of the nanoseconds is cut."""
    return int(us * 1000)


@each
def test_slices_of_a_track_lie_in_or_beside_each_other(path: Path, tmp_path: Path) -> None:
    ends: dict[tuple[int, int], list[int]] = defaultdict(list)
    slices = [event for event in events_of(opened(path), tmp_path) if event["ph"] == "X"]
    assert len(slices) > 10
    for event in slices:
        around = ends[event["pid"], event["tid"]]
        began_ns = perfetto_ns(event["ts"])
        while around and around[-1] <= began_ns:
            around.pop()
        end_ns = began_ns + perfetto_ns(event["dur"])
        assert not around or end_ns <= around[-1]
        around.append(end_ns)


def test_a_viewer_that_cuts_fractions_reads_every_nanosecond() -> None:
    times = [*range(5_000), *range(10**12, 10**12 + 5_000)]
    assert [perfetto_ns(microseconds(ns)) for ns in times] == times
    assert all(abs(microseconds(ns) * 1000 - ns) < 0.001 for ns in times)


@each
def test_each_arrow_leads_from_a_request_to_its_first_run(path: Path, tmp_path: Path) -> None:
    events = events_of(opened(path), tmp_path)
    begins = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert begins.keys() == ends.keys()
    assert len(begins) == sum(event["ph"] == "s" for event in events)
    runs = [event for event in events if event.get("cat") in ("run", "request")]
    for number, begin in begins.items():
        end = ends[number]
        assert (begin["cat"], begin["name"]) == (end["cat"], end["name"])
        assert end["bp"] == "e"
        assert begin["ts"] <= end["ts"]
        bound = [_around(runs, begin), _around(runs, end)]
        assert [event["cat"] for event in bound] == ["request", "run"]
        assert bound[0]["name"] == bound[1]["name"]


def _around(slices: list[dict[str, Any]], point: dict[str, Any]) -> dict[str, Any]:
    """Give the slice that a moment is bound to: the innermost that holds it."""
    found = [
        event
        for event in slices
        if (event["pid"], event["tid"]) == (point["pid"], point["tid"])
        and event["ts"] <= point["ts"] <= round(event["ts"] + event["dur"], 3)
    ]
    return max(found, key=lambda event: event["ts"])


@each
def test_the_trace_has_all_that_was_recorded(path: Path, tmp_path: Path) -> None:
    found = opened(path)
    told = [event for batch in found[0] for event in batch.events]
    events = events_of(found, tmp_path)
    kinds = Counter(event.get("cat", "") for event in events if event["ph"] == "X")
    assert kinds["request"] == len(clients(found[0]))
    assert kinds["stall"] == len(
        {event.number for event in told if isinstance(event, Stall) and event.ended_ns and event.number > 0}
    )
    uses = [event for event in told if isinstance(event, SlotUse) and event.released_ns > event.taken_ns]
    slots = [event for event in events if event.get("cat") == "slot" and "args" in event]
    assert len(slots) == len(uses)


def test_a_stall_says_what_it_was_and_a_slot_who_held_it(tmp_path: Path) -> None:
    events = events_of(opened(BLOCKING), tmp_path)
    stall = next(event for event in events if event.get("cat") == "stall")
    assert stall["name"].startswith("blocked app.py:")
    assert stall["args"]["line"] == "time.sleep(delay)"
    assert {"kind", "call", "mend", "stack", "detail", "function"} <= stall["args"].keys()
    assert 200_000 <= stall["dur"] <= 250_000
    moments = [event["name"] for event in events if event["ph"] == "i"]
    assert any(name.startswith("run 1: one-keyword") for name in moments)
    assert any("blocked" in name.lower() for name in moments)
    tracks = [
        event["args"]["name"]
        for event in events_of(opened(POOL), tmp_path)
        if event["ph"] == "M" and event["name"] == "thread_name"
    ]
    assert "asyncpg: connection 0" in tracks
    assert {"user 1", "event loop", "verdicts"} <= set(tracks)


def test_turns_are_moments_and_each_run_has_its_own_processes(
    recorded: Callable[[list[Batch]], Opened], tmp_path: Path
) -> None:
    batches = stream("async-await")
    turned = Turned(batches[-1].received_ns, "users", 7.0, "users 100 → 7")
    twice = [*batches, Batch(0, batches[-1].received_ns, [turned]), *_later(batches)]
    events = events_of(recorded(twice), tmp_path)
    assert [event["name"] for event in events if event["ph"] == "i"].count("users 100 → 7") == 1
    processes = {event["args"]["name"]: event["pid"] for event in events if event["name"] == "process_name"}
    assert {"users", "run 2 · users"} <= processes.keys()
    assert len(set(processes.values())) == len(processes) == 4


def _later(batches: list[Batch]) -> list[Batch]:
    """Give the same run again, a minute later, as another one."""

    def moved(value: Any) -> Any:
        if isinstance(value, int) and value > S:
            return value + 60 * S
        if isinstance(value, list | tuple):
            return type(value)(moved(item) for item in value)
        return value

    found = []
    for batch in batches:
        events = []
        for event in batch.events:
            fields = {name: moved(getattr(event, name)) for name in event.__struct_fields__}
            if "run" in fields:
                fields["run"] += 1
            events.append(type(event)(**fields))
        found.append(Batch(batch.source, batch.received_ns + 60 * S, events))
    return found


def test_what_is_cut_off_is_drawn_to_the_end(
    recorded: Callable[[list[Batch]], Opened], tmp_path: Path
) -> None:
    batches = stream("async-blocking")
    cut = [batch for batch in batches if batch.received_ns < batches[0].received_ns + 2 * S]
    events = events_of(recorded(cut), tmp_path)
    requests = [event for event in events if event.get("cat") == "request"]
    assert len(requests) == len(clients(cut)) > 100
    last = max(event["ts"] + event.get("dur", 0) for event in events if event["ph"] != "M")
    assert sum(event["ts"] + event["dur"] >= last - 100_000 for event in requests) > 80


# Sorting


def entries(count: int) -> Iterator[Entry]:
    for number in range(count):
        yield Entry((number * 7_919) % 1_000, number % 2, number % 5, 1, number % 3, {"n": number})


def test_what_does_not_fit_into_memory_is_sorted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = list(entries(1_000))
    monkeypatch.setattr(slices, "CHUNK", 64)
    sorter = Sorter()
    for entry in everything:
        sorter.add(entry)
    found = list(sorter)
    sorter.close()
    assert sorted(found, key=lambda entry: entry.event["n"]) == everything
    assert [(entry.ts_ns, entry.depth) for entry in found] == sorted(
        (entry.ts_ns, entry.depth) for entry in everything
    )


def test_a_slice_that_reaches_beyond_the_one_around_it_is_cut() -> None:
    made = [
        Entry(0, 0, 100, 1, 1, {}),
        Entry(20, 0, -1, 1, 1, {}),
        Entry(50, 0, 80, 1, 1, {}),
        Entry(50, 0, 80, 1, 2, {}),
        Entry(100, 0, 10, 1, 1, {}),
    ]
    assert [entry.dur_ns for entry in nested(iter(made))] == [100, -1, 50, 80, 10]


# The table


@each
def test_the_table_has_one_row_a_request_and_its_phases_add_up(path: Path, tmp_path: Path) -> None:
    found = opened(path)
    rows = list(csv.DictReader(exported(found, "csv", tmp_path).splitlines()))
    assert sorted(int(row["client"]) for row in rows) == sorted(clients(found[0]))
    for row in rows:
        phases = [float(value) for name, value in row.items() if name.endswith("_ms") and name in PHASES]
        assert len(phases) == 10
        assert sum(phases) == pytest.approx(float(row["done_ms"]) - float(row["sent_ms"]), abs=0.02)
        assert float(row["service_ms"]) == pytest.approx(sum(phases), abs=0.02)
        assert row["status"] == "200"
        assert row["response_ms"] == ""


PHASES = (
    "queued_ms",
    "running_ms",
    "blocking_ms",
    "awaiting_ms",
    "thread_wait_ms",
    "thread_ms",
    "pool_wait_ms",
    "query_ms",
    "ready_ms",
    "sending_ms",
)


def test_the_table_says_who_stood_behind_a_stall(tmp_path: Path) -> None:
    rows = list(csv.DictReader(exported(opened(BLOCKING), "csv", tmp_path).splitlines()))
    assert float(rows[0]["stalled_ms"]) == 0
    assert all(row["stalled_by"].startswith("app.py:") for row in rows[1:])
    waits = [float(row["stalled_ms"]) for row in rows]
    assert waits == sorted(waits)


def test_a_request_is_told_once_though_its_halves_come_late(
    recorded: Callable[[list[Batch]], Opened], tmp_path: Path
) -> None:
    # All that the server has told comes after the end of the traffic.
    batches = stream("async-await")
    early = [
        replace(batch, events=[event for event in batch.events if not isinstance(event, ServerRequest)])
        for batch in batches
    ]
    end_ns = batches[-1].received_ns
    late = [
        replace(batch, received_ns=end_ns, events=events)
        for batch in batches
        if (events := [event for event in batch.events if isinstance(event, ServerRequest)])
    ]
    both = recorded([batch for batch in early if batch.events] + late)
    rows = list(csv.DictReader(exported(both, "csv", tmp_path).splitlines()))
    whole = list(csv.DictReader(exported(recorded(batches), "csv", tmp_path).splitlines()))
    told = [sorted(int(row["client"]) for row in table) for table in (rows, whole)]
    assert told[0] == told[1] == sorted(clients(batches))
    assert {row["path"] for row in rows} == {"/"}


def test_a_sweep_ends_each_run_with_what_is_still_open() -> None:
    steps = list(sweep(opened(BLOCKING)[0]))
    assert {step.run for step in steps} == {1}
    assert [step.batch is None for step in steps].count(True) == 1
    assert steps[-1].batch is None
    told = [request for step in steps for request in step.over]
    assert len(told) == len(set(map(id, told))) == 40
    # Most are told while the recording goes on, and are not collected for its end.
    assert len(steps[-1].over) < 10


# The page


class Reader(HTMLParser):
    """Collects what a page asks for from elsewhere, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.text += data


@each
def test_the_page_is_whole_and_needs_nothing_from_elsewhere(path: Path, tmp_path: Path) -> None:
    page = exported(opened(path), "html", tmp_path)
    reader = Reader()
    reader.feed(page)
    assert reader.links == []
    assert "url(" not in page
    assert "@import" not in page
    assert page.endswith("</body></html>\n")
    figure = page.partition('<figure class="timeline">')[2].partition("</figure>")[0]
    picture = figure.partition("<figcaption>")[0]
    shapes = [shape.attrib["d"] for shape in ElementTree.fromstring(picture) if shape.tag == "path"]
    assert len(shapes) >= 2
    assert str(Path.home()) not in page
    # However short the run; Flask has none.
    assert (">Event loop<" in picture) == ("flask" not in path.stem)


def test_the_page_says_the_verdicts_and_draws_who_waited(tmp_path: Path) -> None:
    reader = Reader()
    reader.feed(exported(opened(BLOCKING), "html", tmp_path))
    assert "The loop was blocked 40 times" in reader.text
    assert "Users (40)" in reader.text
    assert "Event loop" in reader.text
    assert "threadpool" not in reader.text
    assert "■ blocking" in reader.text.replace("\n", "")


def test_a_time_line_that_is_painted_piece_by_piece_is_that_which_is_painted_at_the_end(
    recorded: Callable[[list[Batch]], Opened],
) -> None:
    recording, _ = recorded(stream("async-blocking"))
    (span,) = spans(recording)
    pieces, whole, model = Timeline(span), Timeline(span), Model()
    for step in sweep(recording):
        model = step.model
        if step.batch is not None:
            pieces.take(model, step.batch.received_ns)
    pieces.end(model)
    whole.end(model)
    assert list(pieces.svg("x")) == list(whole.svg("x"))


def test_of_many_users_an_even_sample_is_drawn(recorded: Callable[[list[Batch]], Opened]) -> None:
    recording, _ = recorded(stream("async-await", users=300, requests=300))
    (span,) = spans(recording)
    timeline, model = Timeline(span), Model()
    for step in sweep(recording):
        model = step.model
    timeline.end(model)
    text = "".join(timeline.svg("x"))
    assert "Users (300)" in text
    assert "Users: 100 of 300 drawn" in text


def test_rows_that_come_late_stand_in_their_band() -> None:
    batches = stream("async-await", users=4, requests=4)
    began_ns = batches[0].received_ns
    timeline, model = Timeline(Span(began_ns, began_ns + 10 * S)), Model()
    for batch in batches:
        model.apply(batch)
    timeline.take(model, began_ns + 5 * S)
    model.users.expect(150)
    timeline.end(model)
    text = "".join(timeline.svg("x"))
    assert text.count(">Users") == 1
    assert text.index(">Users") < text.index(">Event loop")
    assert "Users (150)" in text
    assert "Users: 75 of 150 drawn" in text


def test_a_run_without_traffic_has_no_time_line() -> None:
    assert list(Timeline(spans(opened(BLOCKING)[0])[0]).svg("x")) == []


def test_times_are_whole_to_the_nanosecond(tmp_path: Path) -> None:
    events = events_of(opened(POOL), tmp_path)
    assert all(
        abs(event["ts"] * 1_000 - round(event["ts"] * 1_000)) < 1e-3 for event in events if "ts" in event
    )
    assert max(event["ts"] for event in events if "ts" in event) > 2 * S / MS


@pytest.mark.parametrize("kind", FORMATS)
def test_whoever_waits_is_told_how_far_it_is(kind: str, tmp_path: Path) -> None:
    shares: list[float] = []
    FORMATS[kind](*opened(BLOCKING), tmp_path / "out", shares.append)
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.5
    assert shares[-1] == 1
