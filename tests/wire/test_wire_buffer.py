from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from looplab.wire.buffer import BoundedBuffer


@given(st.integers(1, 20), st.lists(st.integers(), max_size=60))
def test_what_does_not_fit_is_dropped_and_counted(capacity: int, items: list[int]) -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(capacity)
    for item in items:
        buffer.append(item)
    assert len(buffer) == min(capacity, len(items))
    assert buffer.dropped == max(len(items) - capacity, 0)
    assert buffer.drain() == items[:capacity]
    assert len(buffer) == 0


def test_a_part_is_taken_oldest_first_and_makes_room() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(4)
    for item in range(4):
        buffer.append(item)
    assert buffer.drain(3) == [0, 1, 2]
    for item in range(4, 8):
        buffer.append(item)
    assert buffer.drain(100) == [3, 4, 5, 6]
    assert buffer.dropped == 1


def test_threads_may_append_while_one_drains() -> None:
    writers, each = 4, 5_000
    buffer: BoundedBuffer[tuple[int, int]] = BoundedBuffer(writers * each)

    def write(writer: int) -> None:
        for number in range(each):
            buffer.append((writer, number))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    got: list[tuple[int, int]] = []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        got += buffer.drain()
    for thread in threads:
        thread.join()
    got += buffer.drain()
    assert buffer.dropped == 0
    for writer in range(writers):
        assert [number for who, number in got if who == writer] == list(range(each))
