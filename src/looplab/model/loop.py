"""The lane of one event loop: its runs, how busy it is, and how late."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from looplab.model.cpu import CpuTime
from looplab.model.delays import Delays
from looplab.model.histogram import Histogram
from looplab.model.requests import Request
from looplab.model.samples import Samples
from looplab.model.series import CountSeries, GaugeSeries
from looplab.model.stalls import EPISODE_GAP_NS, StallRecord, Stalls
from looplab.wire.clock import MS, S
from looplab.wire.events import LoopSample, Phase

LANE_BUCKET_NS = 5 * MS
"""Resolution of the lane: finer than a column of any useful picture, and 60,000 numbers for five minutes."""

STALL_NS = 50 * MS
"""A run from this length on is a stall, and `blocking` beyond it."""

RUN_KEPT_NS = MS
"""Shorter runs are part of the lane and of the sums, but not kept one by one."""

MOST_RUNS = 10_000

_ON_LOOP = (False, False, True, True, *[False] * (len(Phase) - 3))


class LoopRun(NamedTuple):
    """One uninterrupted hold of the loop."""

    began_ns: int
    ended_ns: int
    phase: Phase
    """`running`, or `blocking` if it became a stall."""
    rid: int
    """Request whose run it was, or -1 for a callback."""


class LoopLane:
    """What one event loop did and does.

    Sums (`lag`, `stalls.total`, `busy`) cover the present period, from the start of the traffic on.
    """

    def __init__(self) -> None:
        self.runs: deque[LoopRun] = deque(maxlen=MOST_RUNS)
        """Runs of a millisecond and more, by their ends."""
        self.cpu = CpuTime()
        """CPU time of its thread and of its process in the period."""
        self.delays = Delays()
        """What the stalls cost those who stood behind them."""
        self.stalls = Stalls(self._stall_is_over)
        self.lag_series = GaugeSeries()
        """Largest lag in nanoseconds of each 100 ms."""
        self.sample: LoopSample | None = None
        """The newest sample."""
        self.version = 0
        """Goes up whenever the lane changes."""
        self.open_since_ns = 0
        """When the run that holds the loop now began, 0 if the loop is free."""
        self.open_rid = 0
        """Request of that run, -1 for a callback."""
        self._untold = (0, 0)
        """Begin and end of a run that is over, as a sample has shown, and not told yet."""
        self.callbacks_ns = 0
        """Time held by callbacks that belong to no request."""
        self._began_ns = 0
        self._ended_ns = 0
        self._busy = CountSeries(LANE_BUCKET_NS)
        self._blocking = CountSeries(LANE_BUCKET_NS)
        self._samples = Samples()

    @property
    def present_stall(self) -> StallRecord | None:
        """The stall that lasts now, or None."""
        return self.stalls.present

    def stall_at(self, t_ns: int) -> StallRecord | None:
        """Give the stall that held the loop at a moment, or None."""
        present = self.present_stall
        return present if present is not None and present.began_ns <= t_ns else self.delays.at(t_ns)

    # Events

    def follow(self, request: Request, code: int, since_ns: int, next_code: int, next_ns: int) -> None:
        """Follow a request from one phase, entered at `since_ns`, to the next one at `next_ns`.

        Phase 0 stands for none: before the first one and after the end.
        """
        on_loop = _ON_LOOP[next_code]
        if _ON_LOOP[code]:
            self._hold(since_ns, next_ns, code == Phase.BLOCKING)
            if not on_loop:
                phase = Phase.BLOCKING if code == Phase.BLOCKING else Phase.RUNNING
                self._end_run(request.run_since_ns or since_ns, next_ns, phase, request.rid)
                request.run_since_ns = 0
        elif on_loop:
            request.run_since_ns = next_ns
        else:
            return
        if on_loop and (self.sample is None or next_ns >= self.sample.t_ns):
            self.open_since_ns = request.run_since_ns
            self.open_rid = request.rid
        self.version += 1

    def take_run(self, began_ns: int, ended_ns: int) -> None:
        """Take a run of a callback."""
        if ended_ns <= began_ns:
            return
        edge = min(began_ns + STALL_NS, ended_ns)
        self._hold(began_ns, edge, blocking=False)
        self._hold(edge, ended_ns, blocking=True)
        blocking = ended_ns - began_ns >= STALL_NS
        self._end_run(began_ns, ended_ns, Phase.BLOCKING if blocking else Phase.RUNNING, -1)
        if began_ns >= self._began_ns:
            self.callbacks_ns += ended_ns - began_ns
        self.version += 1

    def take_sample(self, event: LoopSample) -> None:
        """Take a reading of the loop; one that is older than the newest is dropped."""
        before = self.sample
        if before is not None and event.t_ns <= before.t_ns:
            return
        self.sample = event
        if event.cpu_ns:
            # A sample that the lab has made knows no CPU time.
            self.cpu.take(event.t_ns, event.cpu_ns, event.thread_cpu_ns, event.lacked_ns)
        lag_ns = max(event.lag_ns, event.max_lag_ns, 0)
        self.lag_series.read(event.t_ns, lag_ns)
        self._samples.add(event.t_ns, event.busy_ns, lag_ns)
        since_ns = event.since_ns if event.rid else 0
        if since_ns != self.open_since_ns:
            if self.open_since_ns and before is not None:
                self._untold = self.open_since_ns, since_ns or before.t_ns
            self.open_since_ns = since_ns
            self.open_rid = event.rid
            self.version += 1
        if not since_ns or since_ns > event.t_ns - STALL_NS:
            self.stalls.contradict(event.t_ns, since_ns)

    def _stall_is_over(self, stall: StallRecord) -> None:
        self.delays.stall(stall, self.stalls.episode_ns)

    def close(self, t_ns: int) -> None:
        """End all that is open: the worker is gone."""
        if self.open_since_ns:
            began, self.open_since_ns = self.open_since_ns, 0
            self._untold = 0, 0
            edge = min(began + STALL_NS, t_ns)
            self._hold(began, edge, blocking=False)
            self._hold(edge, t_ns, blocking=True)
            blocking = t_ns - began >= STALL_NS
            self._end_run(began, t_ns, Phase.BLOCKING if blocking else Phase.RUNNING, self.open_rid)
        self.stalls.close(t_ns)
        self.delays.close(t_ns)
        self.cpu.close()
        self.lag_series.read(t_ns + self.lag_series.bucket_ns, 0)
        self.sample = None
        self._samples.clear()
        self.version += 1

    def begin_period(self, began_ns: int) -> None:
        """Start the sums anew at a time that may be a little past."""
        self._began_ns = began_ns
        self._ended_ns = 0
        self.callbacks_ns = sum(
            run.ended_ns - run.began_ns for run in self.runs if run.rid < 0 and run.began_ns >= began_ns
        )
        self._samples.begin_period(began_ns)
        self.stalls.begin_period(began_ns)
        self.delays.begin_period(began_ns)
        self.cpu.begin_period(began_ns)

    def end_period(self, ended_ns: int) -> None:
        """End the sums: the traffic is over. What was counted beyond its end is taken back."""
        if ended_ns == self._ended_ns:
            return
        self._ended_ns = ended_ns
        self._samples.end_period(ended_ns)
        self.stalls.end_period(ended_ns)
        self.cpu.end_period(ended_ns)

    def _hold(self, began_ns: int, ended_ns: int, blocking: bool) -> None:
        if ended_ns > began_ns:
            self._busy.add_span(began_ns, ended_ns)
            if blocking:
                self._blocking.add_span(began_ns, ended_ns)

    def _end_run(self, began_ns: int, ended_ns: int, phase: Phase, rid: int) -> None:
        if ended_ns - began_ns >= RUN_KEPT_NS:
            self.runs.append(LoopRun(began_ns, ended_ns, phase, rid))
        if began_ns <= self._untold[0] <= ended_ns:
            self._untold = 0, 0
        if began_ns <= self.open_since_ns <= ended_ns:
            self.open_since_ns = 0
            self.open_rid = 0

    # What can be seen

    @property
    def lag(self) -> Histogram:
        """Lag of the period weighed by time: one count a millisecond, so a percentile is a share of it."""
        return self._samples.lag

    def lag_ns(self, now_ns: int) -> int:
        """Give the lag now: it grows with every moment while a late heartbeat is held up by a run."""
        sample = self.sample
        if sample is None:
            return 0
        lag_ns = max(sample.lag_ns, 0)
        if lag_ns and (self.open_since_ns or self.stalls.present is not None):
            lag_ns += max(now_ns - sample.t_ns, 0)
        return lag_ns

    def lag_percentile(self, percent: float) -> int | None:
        """Give the lag in nanoseconds that was not exceeded for `percent` of the period's time.

        It needs no number of samples beyond it: the heartbeat is watched all the time, and the largest lag
        between two samples is in each, so this is a census of the time.
        """
        return self.lag.percentile(percent, beyond=0)

    def open_run(self, now_ns: int) -> tuple[int, int] | None:
        """Give the run that holds the loop, `(began_ns, until_ns)`, as far as it is known to last.

        A run that is no stall is known only up to the last sample; a stall lasts until it is told to end.
        One that follows a stall at once goes on too: the loop that has not been free is not free yet.
        """
        present = self.stalls.present
        began = self.open_since_ns or (present.began_ns if present is not None else 0)
        if not began:
            return None
        known = max(self.sample.t_ns if self.sample is not None else 0, began)
        stalled_ns = self._untold[1] if self._untold[1] - self._untold[0] >= STALL_NS else 0
        if self.stalls.last is not None:
            stalled_ns = max(stalled_ns, self.stalls.last.ended_ns)
        follows = stalled_ns > 0 and began - EPISODE_GAP_NS <= stalled_ns <= began
        if follows or present is not None or known - began >= STALL_NS:
            known = max(known, now_ns)
        return began, known

    def busy(self, now_ns: int, window_ns: int = S) -> float | None:
        """Give the share of the last `window_ns` in which a run held the loop; None if it is unknown."""
        return self._samples.busy(now_ns, window_ns)

    def busy_in_run(self, now_ns: int) -> float | None:
        """Give the busy share of the whole period; None if it is unknown."""
        return self._samples.busy_in_period(now_ns)

    def held_by(self, from_ns: int, to_ns: int, now_ns: int) -> int:
        """Give the request whose run held the loop longest between two times; 0 if it is not known."""
        held: dict[int, int] = {}
        present = self.open_run(now_ns)
        if present is not None and self.open_rid > 0:
            held[self.open_rid] = min(present[1], to_ns) - max(present[0], from_ns)
        for run in reversed(self.runs):
            if run.ended_ns <= from_ns:
                break
            if run.rid > 0 and run.began_ns < to_ns:
                held[run.rid] = held.get(run.rid, 0) + min(run.ended_ns, to_ns) - max(run.began_ns, from_ns)
        rid = max(held, key=lambda rid: held[rid], default=0)
        return rid if rid and held[rid] > 0 else 0

    def phases_by_column(
        self, from_ns: int, column_ns: int, first_col: int, last_col: int, now_ns: int
    ) -> bytearray:
        """Give `running`, `blocking` or 0 (free) for each column in `[first_col, last_col)`.

        `blocking` if a stall holds an eighth of the column or begins in it, `running` if any run does:
        what is short must not be lost. The resolution is `LANE_BUCKET_NS`.
        """
        columns = last_col - first_col
        if columns <= 0 or column_ns <= 0:
            return bytearray()
        begin = from_ns + first_col * column_ns
        end = begin + columns * column_ns
        length = LANE_BUCKET_NS
        # One bucket more at the left, to see whether a stall began in the first column.
        origin = begin // length - 1
        busy = self._busy.values(begin - length, end)
        blocking = self._blocking.values(begin - length, end)
        out = bytearray(columns)
        for column in range(columns):
            left = begin + column * column_ns
            first = -(-left // length) - origin
            last = -(-(left + column_ns) // length) - origin
            if first >= last:
                first = left // length - origin
                last = first + 1
            held = sum(blocking[first:last])
            if 8 * held >= column_ns or (held and not blocking[first - 1]):
                out[column] = Phase.BLOCKING
            elif any(busy[first:last]):
                out[column] = Phase.RUNNING
        self._paint_open(out, begin, column_ns, now_ns)
        return out

    def _paint_open(self, out: bytearray, begin_ns: int, column_ns: int, now_ns: int) -> None:
        """Add what has not been told to its end: the run that is not over, and one that must be over."""
        for run in (self._untold, self.open_run(now_ns)):
            if run is None:
                continue
            began, until = run
            first = max((began - begin_ns) // column_ns, 0)
            for column in range(first, min(-(-(until - begin_ns) // column_ns), len(out))):
                edge = begin_ns + (column + 1) * column_ns
                if min(edge, until) - began > STALL_NS:
                    out[column] = Phase.BLOCKING
                else:
                    # A stall that has part of the column shows, whatever follows it.
                    out[column] = max(out[column], Phase.RUNNING)
