from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.wire.framing import MAX_FRAME_BYTES, FrameError, FrameReader, frame

payloads = st.lists(st.binary(min_size=1, max_size=300), max_size=12)


@given(payloads, st.data())
def test_frames_survive_any_chopping(expected: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, expected))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reader = FrameReader()
    got: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += reader.feed(stream[start:end])
    assert got == expected
    assert reader.pending == 0


@given(payloads, st.binary(min_size=1, max_size=300), st.integers(1, 303))
def test_an_incomplete_frame_is_pending(complete: list[bytes], last: bytes, missing: int) -> None:
    tail = frame(last)[: -min(missing, len(last) + 3)]
    reader = FrameReader()
    assert list(reader.feed(b"".join(map(frame, complete)) + tail)) == complete
    assert reader.pending == len(tail)


def test_a_reader_that_stops_between_frames_keeps_the_rest() -> None:
    reader = FrameReader()
    assert next(iter(reader.feed(frame(b"one") + frame(b"two")))) == b"one"
    assert list(reader.feed(b"")) == [b"two"]


@pytest.mark.parametrize(
    "foreign",
    [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00", b"\0\0\0\0", b"\xff" * 4, b"SSH-2.0-x"],
    ids=["http", "tls", "empty frame", "huge frame", "ssh"],
)
def test_foreign_bytes_are_refused_at_once(foreign: bytes) -> None:
    reader = FrameReader()
    assert list(reader.feed(frame(b"ours"))) == [b"ours"]
    with pytest.raises(FrameError, match=r"a frame of \d+ bytes is not looplab's"):
        list(reader.feed(foreign))


def test_the_longest_frame() -> None:
    longest = bytes(MAX_FRAME_BYTES)
    reader = FrameReader()
    assert list(reader.feed(frame(longest))) == [longest]
    with pytest.raises(FrameError):
        frame(longest + b"\0")
