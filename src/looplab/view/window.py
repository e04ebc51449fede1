"""The time window: which nanoseconds each column of the picture stands for.

The picture is a sweep, as on an oscilloscope: the window stands still and fills from left to right,
so a finished column is never painted again. It begins small, so that a short burst is not a dot, and
grows when it is full, so that a long one is whole. People may choose another width, and a strip that
runs, whose right edge is now. Pure arithmetic; no widget, no clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from typing import Final

from looplab.wire.clock import MS, S

GROWING_NS: Final = tuple(s * S for s in (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 120, 300))
"""Widths of the window while the traffic runs."""
FITTING_NS: Final = (
    *(ms * MS for ms in (20, 30, 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 750)),
    *(ms * MS for ms in (1_000, 1_250, 1_500, 1_750, 2_000, 2_500, 3_000, 3_500, 4_000, 5_000, 6_000)),
    *(s * S for s in (7, 8, 9, 10, 12, 15, 18, 20, 25, 30, 40, 50, 60, 90, 120, 180, 240, 300)),
)
"""Widths of the window once the traffic is over: finer, so that the whole shape is as large as it can be."""
BURST_LARGEST_NS: Final = 60 * S
"""A burst is one shape, so its window grows far before it pages."""
CONSTANT_LARGEST_NS: Final = 10 * S
"""Constant traffic has no end: pages of this width keep single requests visible."""


@dataclass(frozen=True)
class Window:
    """A stretch of time cut into equal columns. Times are `monotonic_ns`; `origin_ns` is 0 s on the axis."""

    origin_ns: int
    start_ns: int
    column_ns: int
    columns: int
    asked_ns: int = 0
    """The width that was asked for: columns are whole nanoseconds, so the span may be a little more."""

    @classmethod
    def over(cls, origin_ns: int, start_ns: int, span_ns: int, columns: int) -> Window:
        """Cut a span into columns; a column is a whole number of nanoseconds, so the end may lie beyond."""
        return cls(origin_ns, start_ns, -(-span_ns // columns), columns, span_ns)

    @property
    def span_ns(self) -> int:
        """Width in nanoseconds."""
        return self.column_ns * self.columns

    @property
    def end_ns(self) -> int:
        """The first nanosecond beyond the window."""
        return self.start_ns + self.span_ns

    def edge_ns(self, column: int) -> int:
        """Give the first nanosecond that belongs to a column."""
        return self.start_ns + column * self.column_ns

    def column(self, t_ns: int) -> int:
        """Give the column that a time falls into; below 0 or at least `columns` outside the window."""
        return (t_ns - self.start_ns) // self.column_ns

    def reached(self, now_ns: int) -> int:
        """Give the number of columns that have begun at a time."""
        return min(max(self.column(now_ns) + 1, 0), self.columns)

    def holds(self, t_ns: int) -> bool:
        """Tell whether a time is inside."""
        return self.start_ns <= t_ns < self.end_ns

    def runs_to(self, other: Window) -> int:
        """Give by how many columns another window lies further on; 0 if it is cut otherwise, or not near."""
        same = (self.origin_ns, self.column_ns, self.columns) == (
            other.origin_ns,
            other.column_ns,
            other.columns,
        )
        columns, rest = divmod(other.start_ns - self.start_ns, self.column_ns)
        return columns if same and not rest and 0 < columns < self.columns else 0


class Sweep:
    """Chooses the window frame by frame."""

    def __init__(self) -> None:
        self._origin_ns = 0
        self._span_ns = GROWING_NS[0]

    def window(
        self,
        origin_ns: int,
        now_ns: int,
        columns: int,
        *,
        ended_ns: int = 0,
        largest_ns: int = BURST_LARGEST_NS,
    ) -> Window:
        """Give the window of a frame.

        Args:
            origin_ns: when the traffic began, or 0 before that.
            now_ns: the time that the picture shows.
            columns: columns of the picture.
            ended_ns: when the traffic was over, or 0 while it runs.
            largest_ns: width at which the window pages instead of growing.
        """
        if origin_ns != self._origin_ns:
            self._origin_ns = origin_ns
            self._span_ns = GROWING_NS[0]
        if not origin_ns:
            return Window.over(now_ns, now_ns, GROWING_NS[0], columns)
        if ended_ns > origin_ns and (ended_ns - origin_ns) <= largest_ns:
            return Window.over(origin_ns, origin_ns, fitting_ns(ended_ns - origin_ns), columns)
        elapsed_ns = max((ended_ns or now_ns) - origin_ns, 0)
        if elapsed_ns >= self._span_ns:
            self._span_ns = min(growing_ns(elapsed_ns), largest_ns)
        page = elapsed_ns // self._span_ns
        start_ns = origin_ns + page * self._span_ns
        return Window.over(origin_ns, start_ns, self._span_ns, columns)


class Windows:
    """Chooses the window as people want it: by itself or so wide, as a sweep or as a strip that runs."""

    def __init__(self) -> None:
        self.span_ns = 0
        """Width that people chose; 0: it grows by itself."""
        self.runs = False
        """Whether it is a strip that runs, with now at its right edge."""
        self._sweep = Sweep()

    def live(self, origin_ns: int, now_ns: int, columns: int, *, ended_ns: int, largest_ns: int) -> Window:
        """Give the window that goes along with the present. Arguments are those of `Sweep.window`."""
        window = self._sweep.window(origin_ns, now_ns, columns, ended_ns=ended_ns, largest_ns=largest_ns)
        whole = ended_ns > origin_ns and ended_ns - origin_ns <= window.span_ns
        if not origin_ns or not (self.span_ns or self.runs) or (not self.span_ns and whole):
            return window
        # What is over fills the window up to its last nanosecond.
        return self._over(origin_ns, now_ns - bool(ended_ns), columns, self.span_ns or window.span_ns)

    def held(self, window: Window, origin_ns: int, t_ns: int, columns: int) -> Window:
        """Give the window for a held moment: the present one as long as it can be, so that nothing moves."""
        span_ns = self.span_ns or window.asked_ns
        if origin_ns == window.origin_ns and span_ns == window.asked_ns:
            if columns != window.columns:
                window = Window.over(origin_ns, window.start_ns, span_ns, columns)
            if window.holds(t_ns):
                return window
            if self.runs and origin_ns:
                # Half a window further on: there is something to be seen on both sides.
                first = max((t_ns - origin_ns) // window.column_ns - columns // 2, 0)
                return replace(window, start_ns=origin_ns + first * window.column_ns)
        if not origin_ns:
            return Window.over(t_ns, t_ns, span_ns, columns)
        return self._over(origin_ns, t_ns, columns, span_ns)

    def turn(self, step: int, window: Window) -> int:
        """Make the window wider (1) or narrower (-1), and beyond both ends as wide as it grows (0)."""
        largest = len(GROWING_NS) - 1
        if step > 0:
            place = bisect_right(GROWING_NS, self.span_ns or window.asked_ns)
        else:
            place = bisect_left(GROWING_NS, self.span_ns or window.asked_ns) - 1
            if not self.span_ns:
                place = max(place, 0)
        self.span_ns = GROWING_NS[place] if 0 <= place <= largest else 0
        return self.span_ns

    def _over(self, origin_ns: int, t_ns: int, columns: int, span_ns: int) -> Window:
        elapsed_ns = max(t_ns - origin_ns, 0)
        window = Window.over(origin_ns, origin_ns, span_ns, columns)
        if not self.runs:
            return replace(window, start_ns=origin_ns + elapsed_ns // span_ns * span_ns)
        first = max(elapsed_ns // window.column_ns - columns + 1, 0)
        return replace(window, start_ns=origin_ns + first * window.column_ns)


def growing_ns(elapsed_ns: int) -> int:
    """Give the smallest width that still has room after `elapsed_ns`."""
    return GROWING_NS[min(bisect_left(GROWING_NS, elapsed_ns + 1), len(GROWING_NS) - 1)]


def fitting_ns(length_ns: int) -> int:
    """Give the best width for a picture that is finished: the smallest that shows it whole."""
    return FITTING_NS[min(bisect_left(FITTING_NS, length_ns), len(FITTING_NS) - 1)]


def ticks(window: Window, room: int = 12) -> list[tuple[int, int]]:
    """Give the ticks of the axis, `(column, nanoseconds since the origin)`, at least `room` columns apart."""
    step_ns = _tick_step_ns(window.span_ns * room // max(window.columns, 1))
    first = -(-(window.start_ns - window.origin_ns) // step_ns)
    found = []
    while (at_ns := first * step_ns) <= window.end_ns - window.origin_ns:
        found.append((min(window.column(window.origin_ns + at_ns), window.columns - 1), at_ns))
        first += 1
    return found


def _tick_step_ns(least_ns: int) -> int:
    step_ns = MS
    while True:
        for factor in (1, 2, 5):
            if step_ns * factor >= least_ns:
                return step_ns * factor
        step_ns *= 10
