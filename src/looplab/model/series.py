"""Time series on buckets of fixed length, bounded: what the sparklines and the event loop's lane draw.

Bucket `i` holds the times from `i * bucket_ns` up to `(i + 1) * bucket_ns`, whatever the origin of the
time axis is, so that a new burst moves the origin and no data.
"""

from __future__ import annotations

from looplab.wire.clock import MS, S

BUCKET_NS = 100 * MS
"""Length of a bucket: ten points a second is more than a sparkline of a terminal can show."""

RETENTION_NS = 300 * S
"""Detail is kept for five minutes, so that memory is flat after that."""


class _Buckets:
    """Consecutive buckets of integers; the oldest are forgotten."""

    __slots__ = ("_capacity", "_first", "_values", "bucket_ns")

    def __init__(self, bucket_ns: int = BUCKET_NS, retention_ns: int = RETENTION_NS) -> None:
        self.bucket_ns = bucket_ns
        self._capacity = max(retention_ns // bucket_ns, 1)
        self._first = 0
        self._values: list[int] = []

    def _index(self, t_ns: int, fill: int) -> int:
        """Give the place of a time in `_values`, made if it is new; negative if it is forgotten."""
        values = self._values
        number = t_ns // self.bucket_ns
        if not values:
            self._first = number
            values.append(fill)
            return 0
        index = number - self._first
        length = len(values)
        if index < 0:
            if -index + length > self._capacity:
                return -1
            values[:0] = [fill] * -index
            self._first = number
            return 0
        if index >= length:
            if index - length >= self._capacity:
                # Nothing of what is kept is within reach of the new time.
                values[:] = [fill]
                self._first = number
                return 0
            values.extend([fill] * (index - length + 1))
            if len(values) > self._capacity + self._capacity // 8:
                surplus = len(values) - self._capacity
                del values[:surplus]
                self._first += surplus
                index -= surplus
        return index

    def _range(self, from_ns: int, to_ns: int) -> range:
        """Give the numbers of the buckets that overlap `[from_ns, to_ns)`, the newest ones if too many."""
        first = from_ns // self.bucket_ns
        end = -(-to_ns // self.bucket_ns)
        return range(max(first, end - 2 * self._capacity), end)

    def __len__(self) -> int:
        return len(self._values)


class CountSeries(_Buckets):
    """What happened in each bucket: a number of events, or nanoseconds of something."""

    __slots__ = ()

    def add(self, t_ns: int, amount: int = 1) -> None:
        """Count an amount at a time."""
        if (index := self._index(t_ns, 0)) >= 0:
            self._values[index] += amount

    def add_span(self, begin_ns: int, end_ns: int) -> None:
        """Spread the nanoseconds of an interval over the buckets that it covers."""
        length = self.bucket_ns
        begin_ns = max(begin_ns, end_ns - self._capacity * length)
        if begin_ns >= end_ns:
            return
        while (edge := (begin_ns // length + 1) * length) < end_ns:
            self.add(begin_ns, edge - begin_ns)
            begin_ns = edge
        self.add(begin_ns, end_ns - begin_ns)

    def values(self, from_ns: int, to_ns: int) -> list[int]:
        """Give one value a bucket that overlaps `[from_ns, to_ns)`, 0 where nothing is known."""
        numbers = self._range(from_ns, to_ns)
        before = min(max(self._first - numbers.start, 0), len(numbers))
        start = max(numbers.start - self._first, 0)
        known = self._values[start : max(numbers.stop - self._first, 0)]
        return [0] * before + known + [0] * (len(numbers) - before - len(known))

    def total(self, from_ns: int, to_ns: int) -> float:
        """Give the amount in `[from_ns, to_ns)`; the bucket that `from_ns` cuts counts in proportion."""
        values = self.values(from_ns, to_ns)
        if not values:
            return 0.0
        cut = from_ns % self.bucket_ns / self.bucket_ns
        return sum(values) - values[0] * cut


class LevelSeries(_Buckets):
    """A number that goes up and down by steps, such as the requests in flight.

    Steps may come late and in any order; each counts at its own time.
    """

    __slots__ = ("level", "peak")

    def __init__(self, bucket_ns: int = BUCKET_NS, retention_ns: int = RETENTION_NS) -> None:
        super().__init__(bucket_ns, retention_ns)
        self.level = 0
        """The number now."""
        self.peak = 0
        """The largest number so far."""

    def step(self, t_ns: int, by: int) -> None:
        """Go up or down at a time."""
        self.level += by
        if self.level > self.peak:
            self.peak = self.level
        if (index := self._index(t_ns, 0)) >= 0:
            self._values[index] += by

    def values(self, from_ns: int, to_ns: int) -> list[int]:
        """Give the level at the end of each bucket that overlaps `[from_ns, to_ns)`."""
        numbers = self._range(from_ns, to_ns)
        steps, first = self._values, self._first
        level = self.level
        # Backwards from the present level, so that recent values cost nothing of the long past.
        for index in range(len(steps) - 1, max(numbers.stop - 1 - first, -1), -1):
            level -= steps[index]
        result = []
        for number in reversed(numbers):
            result.append(level)
            index = number - first
            if 0 <= index < len(steps):
                level -= steps[index]
        result.reverse()
        return result


class GaugeSeries(_Buckets):
    """A number that is read now and then: the largest reading of each bucket, held until the next one."""

    __slots__ = ("last",)

    def __init__(self, bucket_ns: int = BUCKET_NS, retention_ns: int = RETENTION_NS) -> None:
        super().__init__(bucket_ns, retention_ns)
        self.last = 0
        """The newest reading."""

    def read(self, t_ns: int, value: int) -> None:
        """Note a reading."""
        length, first = len(self._values), self._first
        index = self._index(t_ns, self.last)
        if index < 0:
            return
        new = not length or len(self._values) != length or self._first != first
        if new or value > self._values[index]:
            self._values[index] = value
        if index == len(self._values) - 1:
            self.last = value

    def values(self, from_ns: int, to_ns: int) -> list[int]:
        """Give one value a bucket that overlaps `[from_ns, to_ns)`: 0 before the first reading."""
        kept, first = self._values, self._first
        last = len(kept) - 1
        return [
            0 if (index := number - first) < 0 or last < 0 else kept[index] if index <= last else self.last
            for number in self._range(from_ns, to_ns)
        ]
