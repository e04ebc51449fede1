"""Lines out of a child's output, without any child."""

from __future__ import annotations

from looplab.servers.output import LINE_BYTES, LOG_LINES, WINDOW_LINES, WINDOW_S, Output, clean


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def reader() -> tuple[Output, list[str], Clock]:
    lines: list[str] = []
    clock = Clock()
    return Output(lines.append, clock), lines, clock


def test_lines_are_put_together_however_they_were_chopped() -> None:
    output, lines, _ = reader()
    for part in (b"on", b"e\ntw", b"o\n\nthr", b"ee"):
        output.data_received(part)
    assert lines == ["one", "two", ""]

    output.connection_lost(None)

    assert lines == ["one", "two", "", "three"]
    assert output.ended.is_set()


def test_escape_sequences_and_control_characters_do_not_pass() -> None:
    assert clean(b"\x1b[31mred\x1b[0m \x1b]0;title\x07ok\x00\x08\r") == "red ok"
    assert clean(b"a\tb") == "a   b"
    assert clean("grün".encode()) == "grün"
    assert clean(b"\xff") == "\ufffd"


def test_a_line_without_end_is_cut() -> None:
    output, lines, _ = reader()
    for _ in range(10):
        output.data_received(b"x" * LINE_BYTES)
    output.data_received(b"\nnext\n")
    assert lines == ["x" * LINE_BYTES, "next"]


def test_a_flood_is_counted_and_its_end_is_kept() -> None:
    output, lines, clock = reader()
    flood = 1_000
    output.data_received(b"".join(b"%d\n" % number for number in range(flood)))
    assert len(lines) == WINDOW_LINES
    assert list(output.log) == [str(number) for number in range(flood - LOG_LINES, flood)]

    clock.now += WINDOW_S
    output.data_received(b"calm\n")

    assert lines[WINDOW_LINES:] == [f"… {flood - WINDOW_LINES:,} lines left out", "calm"]


def test_every_line_is_passed_on_or_counted() -> None:
    output, lines, _ = reader()
    for number in range(3 * WINDOW_LINES):
        output.data_received(b"%d\n" % number)
    output.connection_lost(None)
    assert lines[:WINDOW_LINES] == [str(number) for number in range(WINDOW_LINES)]
    assert lines[WINDOW_LINES:] == [f"… {2 * WINDOW_LINES:,} lines left out"]
