from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest
from rich.color import Color
from stage import FRAME_NS, failure, model_at, played, selection, text_of, view_at
from streams import SERVER, START_NS

from looplab.view.details import page
from looplab.view.lanes import most_active
from looplab.view.layout import GUTTER, columns
from looplab.view.observer import Observer
from looplab.view.palette import palette
from looplab.view.panels.axis import AxisPanel
from looplab.view.panels.code import CodePanel
from looplab.view.panels.failure import FailurePanel
from looplab.view.panels.footer import Footer
from looplab.view.panels.header import Header
from looplab.view.panels.line import LinePanel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.numbers import NumbersPanel
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.panels.users import UsersPanel, even_groups, even_sample
from looplab.view.panels.verdict import VerdictPanel
from looplab.view.state import Choice, Headline
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Phase, ServerRequest

WIDTH = 80
COLUMNS = columns(WIDTH)


def _colours(panel: UsersPanel | LoopsPanel, y: int, ground: bool = False) -> list[str]:
    """Give the colour of each cell of a row, gutter left out."""
    cells: list[str] = []
    for segment in panel.line(y):
        colour = segment.style.bgcolor if ground else segment.style.color
        cells += [colour.name if isinstance(colour, Color) else ""] * len(segment.text)
    return cells[GUTTER:]


# Users


def test_one_at_a_time_is_a_staircase() -> None:
    panel, view = UsersPanel(), view_at(played("async-blocking", users=20), START_NS + 2_500 * MS, COLUMNS)
    text_of(panel, view, WIDTH, 21)
    blocking = palette().colours.phases[Phase.BLOCKING]
    firsts = [_colours(panel, y).index(blocking) for y in range(1, 12)]
    assert firsts == sorted(firsts)
    assert len(set(firsts)) == len(firsts)


def test_all_waiting_together_is_a_wall() -> None:
    panel, view = UsersPanel(), view_at(played("async-await"), START_NS + 180 * MS, COLUMNS, "async-await")
    text_of(panel, view, WIDTH, 21)
    awaiting = palette().colours.phases[Phase.AWAITING]
    column = view.window.column(view.now_ns) - 1
    assert {_colours(panel, y, ground=True)[column] for y in range(1, 21)} == {awaiting}


def test_foreign_requests_are_not_counted_among_the_users() -> None:
    batches, at_ns = played("async-await", users=20), START_NS + 180 * MS
    began_ns = START_NS + 100 * MS
    batches += [
        Batch(
            SERVER,
            at_ns,
            [ServerRequest(rid, 0, "GET", "/", began_ns, 0, [(Phase.AWAITING, began_ns)], 0, 0)],
        )
        for rid in (100_001, 100_002, 100_003)
    ]
    batches.sort(key=lambda batch: batch.received_ns)
    view = view_at(batches, at_ns, COLUMNS, "async-await")
    assert view.model.in_flight == 23
    title, *_ = text_of(UsersPanel(), view, WIDTH, 31)
    assert "20 of 20 in flight + 3 foreign" in title


def test_who_has_left_a_constant_plan_is_gone() -> None:
    view = view_at(played("hello"), START_NS + 500 * MS, COLUMNS)
    assert view.model.traffic is not None
    several = view.model.traffic.users
    assert several > 2
    plan = msgspec.structs.replace(view.choice.selection.plan, executor="constant", users=1)
    view.choice.selection = msgspec.structs.replace(view.choice.selection, plan=plan)
    for row in view.model.users.rows[2:]:
        if row.requests[-1].open:
            view.model.requests.end_client(row.requests[-1], view.now_ns)
    title, *_ = text_of(UsersPanel(), view, WIDTH, 31)
    assert re.search(r" of [12] in flight", title)


def test_full_threads_are_steps_of_forty() -> None:
    panel, view = UsersPanel(), view_at(played("def-blocking"), START_NS + 150 * MS, COLUMNS, "def-blocking")
    text_of(panel, view, WIDTH, 51)
    column = view.window.column(view.now_ns) - 1
    phases = palette().colours.phases
    here = [_colours(panel, y, ground=True)[column] for y in range(1, 51)]
    assert here == [phases[Phase.THREAD]] * 20 + [phases[Phase.THREAD_WAIT]] * 30


def test_detailed_rows_have_glyphs_and_the_number_of_the_request() -> None:
    view = view_at(played("async-blocking", users=3), START_NS + 450 * MS, COLUMNS)
    rows = text_of(UsersPanel(), view, WIDTH, 4, "none")
    assert rows[0].startswith("─ Users  3 of 3 in flight ─")
    assert [row[:GUTTER].strip() for row in rows[1:]] == ["1", "2", "3"]
    assert rows[1][GUTTER:].startswith(" 1 ███")
    assert "█████" in rows[1]
    assert rows[2][GUTTER:].startswith(" 2 ░░░")
    assert rows[3][GUTTER:].startswith(" 3 ░░░░░")
    assert rows[3].endswith("░■■■■")


def test_few_users_get_taller_rows_with_a_gap() -> None:
    view = view_at(played("async-blocking", users=3), START_NS + 450 * MS, COLUMNS)
    rows = text_of(UsersPanel(), view, WIDTH, 11)
    assert [row[:GUTTER].strip() for row in rows[1:]] == ["1", "", "", "2", "", "", "3", "", "", ""]
    assert rows[3] == rows[6] == rows[9] == ""


def test_a_thousand_users_are_a_sample_and_the_title_says_so() -> None:
    view = view_at(played("async-await", users=1_000, requests=1_000), START_NS + 50 * MS, COLUMNS)
    rows = text_of(UsersPanel(), view, WIDTH, 21)
    assert rows[0].startswith("─ Users  1,000 of 1,000 in flight · 754 hidden, the 8 slowest drawn ─")


def test_the_title_says_how_many_share_a_row() -> None:
    view = view_at(played("async-blocking"), START_NS + 300 * MS, COLUMNS)
    assert text_of(UsersPanel(), view, WIDTH, 11)[0].startswith("─ Users  100 of 100 in flight · 10 a row ─")


def test_without_colour_neighbours_share_a_row_of_glyphs() -> None:
    view = view_at(played("async-blocking"), START_NS + 300 * MS, COLUMNS)
    rows = text_of(UsersPanel(), view, WIDTH, 21, "none")
    assert "5 a row" in rows[0]
    assert "█" in rows[1]
    assert [row[:GUTTER].strip() for row in rows[1:5]] == ["1", "6", "11", "16"]
    assert all("▀" not in row for row in rows)


def test_a_sample_is_even_and_groups_miss_nobody() -> None:
    assert even_sample(100, 4) == [0, 25, 50, 75]
    assert even_sample(3, 10) == [0, 1, 2]
    groups = even_groups(100, 40, 240)
    assert [user for group in groups for user in group] == list(range(100))
    many = even_groups(1_000, 40, 240)
    assert len(many) == 40
    assert sum(map(len, many)) == 240
    assert even_groups(0, 40, 240) == []


def test_users_who_share_a_bar_show_the_most_active_of_them() -> None:
    queued, running, blocking = Phase.QUEUED, Phase.RUNNING, Phase.BLOCKING
    rows = [bytes((0, queued, running, queued)), bytes((queued, running, blocking, 0))]
    assert list(most_active(rows)) == [queued, running, blocking, queued]
    passive = [bytes([phase]) for phase in (Phase.THREAD_WAIT, Phase.AWAITING, Phase.THREAD)]
    assert most_active(passive) == bytes([Phase.THREAD])


def test_users_of_an_earlier_larger_burst_are_left_out() -> None:
    view = view_at(played("async-await"), 10 * S, COLUMNS)
    view.started_ns = 9 * S
    view.choice.selection = view.choice.selection.with_users(10)
    rows = text_of(UsersPanel(), view, WIDTH, 11)
    assert [row[:GUTTER].strip() for row in rows[1:]] == [str(number) for number in range(1, 11)]


def test_only_rows_that_changed_are_drawn() -> None:
    batches = played("async-blocking", users=20)
    panel, observer = UsersPanel(), Observer()
    choice = Choice(selection())
    panel.resize(WIDTH, 21)
    at_ns = START_NS + 1_050 * MS
    model = model_at(batches, at_ns)
    assert len(panel.take(observer.view(model, choice, at_ns, COLUMNS))) == 21
    assert panel.take(observer.view(model, choice, at_ns, COLUMNS)) == frozenset()


def test_a_finished_picture_stands_still() -> None:
    batches = played("async-await")
    panel, observer = UsersPanel(), Observer()
    choice = Choice(selection())
    panel.resize(WIDTH, 21)
    model = model_at(batches, 10 * S)
    assert model.finished
    panel.take(observer.view(model, choice, 10 * S, COLUMNS))
    before = [panel.line(y).text for y in range(21)]
    for later in range(1, 5):
        assert panel.take(observer.view(model, choice, (10 + later) * S, COLUMNS)) == frozenset()
    assert [panel.line(y).text for y in range(21)] == before


def test_frame_by_frame_gives_the_same_cells_as_at_once() -> None:
    """The incremental cells are a cache; what they show must not depend on when frames came."""
    for variant in ("async-blocking", "def-blocking", "async-await", "async-offload"):
        batches = played(variant)
        end_ns = START_NS + 700 * MS
        step_by_step, observer = UsersPanel(), Observer()
        step_by_step.resize(WIDTH, 21)
        choice = Choice(selection(variant=variant))
        model, coming = model_at([], 0), list(batches)
        for at_ns in range(START_NS, end_ns + 1, FRAME_NS):
            while coming and coming[0].received_ns <= at_ns:
                model.apply(coming.pop(0))
            step_by_step.take(observer.view(model, choice, at_ns, COLUMNS))
        at_once = UsersPanel()
        text_of(at_once, observer.view(model, choice, at_ns, COLUMNS), WIDTH, 21)
        for y in range(1, 21):
            assert _colours(step_by_step, y) == _colours(at_once, y), (variant, y)


# Event loop and threads


def test_a_blocked_loop_is_solid_and_its_lag_climbs() -> None:
    view = view_at(played("async-blocking"), START_NS + 2_900 * MS, COLUMNS)
    panel = LoopsPanel()
    rows = text_of(panel, view, WIDTH, 3)
    assert rows[0].startswith("─ Event loop  100% busy ─")
    assert "lag 2.8" in rows[0]
    assert rows[1][:GUTTER].strip() == "w0"
    reached = view.window.reached(view.now_ns)
    assert rows[1][GUTTER:] == "█" * reached
    phases = palette().colours.phases
    held = _colours(panel, 1)[:reached]
    # A run is a stall from its 50th millisecond on.
    assert set(held) == {phases[Phase.BLOCKING], phases[Phase.RUNNING]}
    assert held.count(phases[Phase.BLOCKING]) > 0.7 * reached
    lag = rows[2][GUTTER:]
    assert list(lag) == sorted(lag)
    assert lag[0] == "▁"
    assert lag[-1] == "█"


def test_a_loop_that_is_held_now_and_then_is_low() -> None:
    view = view_at(played("async-await"), START_NS + 450 * MS, COLUMNS, "async-await")
    rows = text_of(LoopsPanel(), view, WIDTH, 3)
    assert "█" in rows[1]
    assert "▁" in rows[1]
    assert " " in rows[1][GUTTER:].rstrip()


def test_without_colour_a_stall_and_a_run_differ() -> None:
    blocked = view_at(played("async-blocking"), START_NS + 900 * MS, COLUMNS)
    healthy = view_at(played("async-await"), START_NS + 450 * MS, COLUMNS, "async-await")
    assert "█" in text_of(LoopsPanel(), blocked, WIDTH, 2, "none")[1]
    assert "█" not in text_of(LoopsPanel(), healthy, WIDTH, 2, "none")[1]


def test_full_threads_are_a_block_and_the_title_counts_those_who_wait() -> None:
    view = view_at(played("def-blocking"), START_NS + 150 * MS, COLUMNS, "def-blocking")
    rows = text_of(ThreadsPanel(), view, WIDTH, 3)
    assert rows[0].startswith("─ Threads  40/40 held, 60 waiting ─")
    assert rows[0].rstrip().endswith("full")
    middle = view.window.column(view.now_ns) - 1
    assert rows[1][GUTTER + middle] == rows[2][GUTTER + middle] == "█"


def test_threads_with_room_are_drawn_one_by_one() -> None:
    view = view_at(played("def-blocking"), START_NS + 150 * MS, COLUMNS, "def-blocking")
    rows = text_of(ThreadsPanel(), view, WIDTH, 21)
    assert [row[:GUTTER].strip() for row in rows[1::5]] == ["1", "11", "21", "31"]


def test_unused_threads_say_so() -> None:
    view = view_at(played("async-await"), START_NS + 150 * MS, COLUMNS, "async-await")
    assert text_of(ThreadsPanel(), view, WIDTH, 3)[0].startswith("─ Threads  none used ─")


def test_the_axis_names_its_ticks_and_marks_now() -> None:
    view = view_at(played("async-blocking"), START_NS + 1_450 * MS, COLUMNS)
    rows = text_of(AxisPanel(), view, WIDTH, 2)
    assert rows[0][GUTTER:].startswith("╵0")
    assert "╵1 s" in rows[0]
    assert rows[0].index("▲") == GUTTER + view.window.column(view.now_ns)
    assert "queued" in rows[1]
    assert "thread-wait" in rows[1]


# Verdict, code, numbers


def test_the_verdict_names_the_line_and_the_large_figure_is_the_rate() -> None:
    view = view_at(played("async-blocking"), START_NS + 5 * S, COLUMNS)
    rows = text_of(VerdictPanel(), view, 120, 5)
    assert rows[1].startswith("  ■ LOOP BLOCKED")
    assert "app.py:25 wait_on_the_loop" in rows[1]
    assert "req/s" in rows[2]
    assert "of 5.0" in rows[3]
    assert rows[0] == "▄" * 120
    assert rows[4] == "▀" * 120


def test_a_low_verdict_has_the_rates_at_its_right_end() -> None:
    view = view_at(played("async-blocking"), START_NS + 5 * S, COLUMNS)
    rows = text_of(VerdictPanel(), view, 80, 2)
    assert rows[0].startswith(" ■ LOOP BLOCKED")
    assert rows[1].endswith("of 5.0 req/s")
    assert all(len(row) <= 80 for row in rows)


@pytest.mark.parametrize("width", range(60, 120, 3))
@pytest.mark.parametrize("moment", ["async-blocking", "def-blocking", "async-await"])
def test_no_figure_of_a_verdict_is_cut(moment: str, width: int) -> None:
    view = view_at(played(moment), START_NS + 30 * S, COLUMNS, moment)
    told = set(re.findall(r"[\d,.]*\d", f"{view.headline.text} {view.headline.detail}"))
    rows = text_of(VerdictPanel(), view, width, 2)
    shown = [rows[0], rows[1].partition("   ")[2].rpartition("  ")[0]]
    assert {figure for row in shown for figure in re.findall(r"[\d,.]*\d", row)} <= told
    assert "…" not in "".join(rows)


def test_before_anything_runs_the_verdict_asks_the_question() -> None:
    view = view_at(played("async-blocking"), START_NS - 450 * MS, COLUMNS)
    assert view.headline == Headline(
        "info", "Same sleep, four routes: which one serves 100 users?", "The server starts …"
    )


def test_the_line_that_blocks_is_marked_while_it_blocks_and_a_moment_longer() -> None:
    panel = CodePanel()
    rows = text_of(panel, view_at(played("async-blocking"), START_NS + 900 * MS, COLUMNS), 44, 8)
    assert rows[0].startswith("─ Code  app.py ─")
    assert rows[1] == '   23  @async_blocking.get("/")'
    assert rows[3] == " ▶ 25      time.sleep(delay)"
    assert rows[5] == '   27      return {"waited": 2 * delay}'
    assert panel.line(3)._segments[0].style == palette().guilty
    view = view_at(played("async-blocking"), START_NS + 900 * MS, COLUMNS)
    view.stall = None
    view.now_ns += 200 * MS
    assert text_of(panel, view, 44, 8)[3].startswith(" ▶ 25")
    view.now_ns += 200 * MS
    assert text_of(panel, view, 44, 8)[3] == "   25      time.sleep(delay)"


def test_a_line_that_the_file_has_not_is_not_looked_for() -> None:
    panel = CodePanel()
    view = view_at(played("async-blocking"), START_NS + 900 * MS, COLUMNS)
    assert view.stall is not None
    assert view.model.run is not None
    # So it is with what a template was compiled to; an app of one's own shows no function.
    view.model.run = msgspec.structs.replace(view.model.run, shows="")
    view.stall.place = view.stall.place._replace(line=1_177, source="")
    assert not any("▶ 1177" in row for row in text_of(panel, view, 44, 8))


def test_a_picture_that_has_ended_says_that_the_line_has_blocked() -> None:
    batches = played("async-blocking")
    panel = CodePanel()
    last = START_NS + 14_900 * MS
    assert text_of(panel, view_at(batches, last, COLUMNS), 44, 8)[0].rstrip().endswith("▶ blocks the loop")
    view = view_at(batches, START_NS + 30 * S, COLUMNS)
    assert view.finished
    assert text_of(panel, view, 44, 8)[0].rstrip().endswith("▶ blocked the loop")


def test_code_of_a_file_that_is_gone_is_empty() -> None:
    view = view_at(played("async-blocking"), START_NS + 10 * MS, COLUMNS)
    run = view.model.run
    assert run is not None
    view.model.run = type(run)(*[*[getattr(run, f) for f in run.__struct_fields__[:9]], "/nowhere.py", "f"])
    assert text_of(CodePanel(), view, 44, 4)[1:] == ["", "", ""]


def test_numbers_tell_what_flows_and_the_knobs() -> None:
    view = view_at(played("def-blocking"), START_NS + 550 * MS, COLUMNS, "def-blocking")
    text = "\n".join(text_of(NumbersPanel(), view, 60, 17))
    for expected in (
        "in flight        100",
        "threads        40/40",
        "ok 80   errors 0",
        "▸ delay          0.1 s",
    ):
        assert expected in text
    assert "p99" in text
    assert "0.01–3" in text
    assert "req/s of the last second" in text


def test_threads_that_are_not_there_are_no_figure() -> None:
    for until_ns, expected in ((START_NS + 550 * MS, "none yet"), (START_NS + 30 * S, "none")):
        view = view_at(played("pool-5"), until_ns, COLUMNS, "async-await")
        rows = text_of(NumbersPanel(), view, 60, 17)
        assert [row.split(None, 1)[1].rstrip() for row in rows if row.startswith("  threads ")] == [expected]


def test_at_the_end_there_is_one_rate() -> None:
    view = view_at(played("def-blocking"), START_NS + 30 * S, COLUMNS, "def-blocking")
    assert view.finished
    assert view.rps == view.headline.measured_rps
    assert "req/s of all the run" in text_of(NumbersPanel(), view, 60, 17)[0]


def test_a_click_on_a_knob_turns_it() -> None:
    panel, view = NumbersPanel(), view_at(played("def-blocking"), START_NS + 550 * MS, COLUMNS)
    rows = text_of(panel, view, 60, 17)
    y = next(y for y, row in enumerate(rows) if row.startswith("▸ delay"))
    assert panel.action_at(rows[y].index("<"), y) == "turn_at(0, -1)"
    assert panel.action_at(rows[y].index(">"), y) == "turn_at(0, 1)"
    assert panel.action_at(3, 0) is None


def test_one_line_of_numbers_never_cuts_an_item() -> None:
    view = view_at(played("def-blocking"), START_NS + 550 * MS, COLUMNS)
    for width in range(60, 120, 7):
        (row,) = text_of(LinePanel(), view, width, 1)
        assert row.startswith(" in flight 100 ")
        assert len(row) <= width
        assert row[-1].isdigit() or row.endswith(("s", "–")) or row[-1] in "▁▂▃▄▅▆▇█"


def test_cut_requests_are_unfinished_and_no_failures() -> None:
    view = view_at(played("async-blocking"), START_NS + 20 * S, COLUMNS)
    assert (view.statistics.failed, view.statistics.unfinished) == (0, 100)
    (row,) = text_of(LinePanel(), view, 140, 1)
    assert "failed 0  unfinished 100  " in row


# Header, footer, failure


def test_the_header_leaves_out_what_matters_least() -> None:
    view = view_at(played("async-blocking"), START_NS + 3 * S, COLUMNS)
    view.ui_ms, view.late_ms = 4.0, 80.0
    (wide,) = text_of(Header(), view, 140, 1)
    assert wide.startswith(
        " looplab  1 One keyword › async def + time.sleep   uvicorn · 1 worker   127.0.0.1:41873"
    )
    assert wide.endswith("● live 00:03   ui 4 ms  +80 ms late  probe 2.2%")
    (middle,) = text_of(Header(), view, 90, 1)
    assert "127.0.0.1:41873" in middle
    assert "uvicorn" not in middle
    (narrow,) = text_of(Header(), view, 60, 1)
    assert "async def…   :41873" in narrow
    assert narrow.endswith("● live 00:03")
    view.late_ms = 0.0
    (standard,) = text_of(Header(), view, 120, 1)
    assert "uvicorn · 1 worker   127.0.0.1:41873" in standard
    assert standard.endswith("● live 00:03   ui 4 ms")


def test_a_narrow_header_has_the_whole_status_of_a_held_picture() -> None:
    view = view_at(played("async-blocking"), START_NS + 3 * S, 50)
    held = replace(view, frozen=True, now_ns=view.now_ns - 2 * S, front_ns=view.now_ns)
    for width in (60, 70, 80, 100):
        (row,) = text_of(Header(), held, width, 1)
        assert row.endswith("❄ frozen 00:01.0  2.0 s behind")
        assert "1 One keyword" in row
        assert not re.search(r"› +❄", row)
    assert "looplab" in row
    assert "async def + time.sleep" in row


def test_the_footer_keeps_help_and_quit_at_any_width() -> None:
    view = view_at(played("async-blocking"), START_NS + 3 * S, COLUMNS)
    for width in (60, 80, 120, 200):
        (row,) = text_of(Footer(), view, width, 1)
        assert row.endswith("? help  q quit")
        assert len(row) <= width


def test_a_click_on_a_key_is_its_action() -> None:
    panel, view = Footer(), view_at(played("async-blocking"), START_NS + 3 * S, COLUMNS)
    (row,) = text_of(panel, view, 140, 1)
    for word, action in (("tab", "variant(1)"), ("stop", "traffic"), ("quit", "quit"), ("delay", "turn(1)")):
        assert panel.action_at(row.index(word), 0) == action
    assert panel.action_at(139, 0) is None


def test_keys_that_do_nothing_are_not_shown() -> None:
    view = view_at(played("hello"), START_NS + S, COLUMNS)
    chosen = selection("hello", "async-def")
    held = msgspec.structs.replace(chosen.plan, executor="websocket", mode="idle")
    view.choice = replace(view.choice, selection=msgspec.structs.replace(chosen, plan=held), knob="")
    (row,) = text_of(Footer(), view, 200, 1)
    assert "burst" not in row
    assert "<" not in row


def test_a_failed_server_says_why_and_what_to_do() -> None:
    rows = text_of(FailurePanel(), view_at(failure(), START_NS, COLUMNS), WIDTH, 12)
    assert rows[2] == "  ■ The app could not be imported."
    assert rows[6] == "  │ ModuleNotFoundError: No module named 'fastappi'"
    assert rows[8] == "  s starts it again   tab goes to another variant"


def test_long_words_of_a_failed_server_go_on_in_the_next_row() -> None:
    view = view_at(failure(), START_NS, COLUMNS)
    server = view.model.server
    assert server is not None
    reason = "the app failed to start: app.py:1: ModuleNotFoundError: No module named 'not_there_at_all'"
    log = ["File app.py:1, in <module>", "  import not_there_at_all", reason]
    view.model.server = msgspec.structs.replace(server, reason=reason, log=log)
    view.choice.selection.scenario.variants[1:] = []
    rows = text_of(FailurePanel(), view, 50, 16)
    assert all(len(row) <= 50 for row in rows)
    assert " ".join(row.strip(" ■") for row in rows[2:5]) == reason
    assert "  │   import not_there_at_all" in rows
    assert rows[-4:].count("  s starts it again") == 1


def test_the_details_set_the_number_in_flight_against_littles_law() -> None:
    """Of a hundred users on a blocked loop most have no answer yet, and the page says so."""
    view = view_at(played("async-blocking"), START_NS + 2_500 * MS, COLUMNS)
    little = view.statistics.little
    assert little is not None
    lines = page(view, palette(), WIDTH).plain.splitlines()
    (place,) = (number for number, line in enumerate(lines) if line.startswith("Little's law"))
    assert lines[place].endswith(f"ratio {little.ratio:.2f}")
    assert lines[place + 1].strip().startswith("100 of 112 requests have no good answer")


def test_users_can_be_drawn_with_their_glyphs_however_many() -> None:
    view, panel = view_at(played("async-blocking"), START_NS + 2 * S, 100), UsersPanel()
    dense = text_of(panel, view, 107, 20)
    view.choice.single = True
    single = text_of(panel, view, 107, 20)
    assert "▀" in "".join(dense)
    assert "░" not in "".join(dense)
    assert "░" in "".join(single)
    assert "▀" not in "".join(single)
    assert "6 a row" in single[0]
    view.choice.single = False
    assert text_of(panel, view, 107, 20) == dense
