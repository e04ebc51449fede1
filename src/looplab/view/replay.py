"""The player: feeds a model from a recording, on the clock of the recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from looplab.lab import Selection
from looplab.lab.reel import Reel
from looplab.model import Model
from looplab.recording import Index, Mark, Recording
from looplab.scenario import Scenario
from looplab.view.playhead import SPEEDS, next_speed
from looplab.wire.clock import MS, S, now_ns

SEEK_NS = 60 * MS
"""Most time that a frame gives to a jump: the keys still answer, and a long one is soon done."""
NEAR_NS = S
"""The mark before is left out when it was passed less than so long ago: two presses go further back."""


class Player:
    """Plays a recording: batches reach the model when the clock of the recording has come to them.

    The model at a moment depends on that moment alone, however it was reached. Nothing here waits: `drain`
    works within its budget, and a jump that takes longer goes on with the next frame.
    """

    def __init__(
        self,
        recording: Recording,
        index: Index,
        scenarios: Sequence[Scenario],
        *,
        speed: float = 1.0,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        """Stand at the beginning, playing.

        Args:
            recording: what to play.
            index: what is in it.
            scenarios: where titles and code are looked up.
            speed: seconds of the recording in a second.
            clock: the real time.
        """
        self.recording = recording
        self.index = index
        self._scenarios = scenarios
        self.jumps = 0
        """How often another model took the place of the one before."""
        self._real = clock
        self._speed = speed
        self._paused = False
        self._anchor = (clock(), index.began_ns)
        """A moment of the real time, and the one of the recording that belongs to it."""
        self._reel = Reel(recording, index, index.began_ns, scenarios)
        self._coming: Reel | None = None
        self._goal_ns = 0

    # What the screen needs of a lab

    @property
    def model(self) -> Model:
        """The model of the run that is played."""
        return self._reel.model

    @property
    def selection(self) -> Selection:
        """What was run, as far as it is known here."""
        return self._reel.selection

    @property
    def backlog(self) -> int:
        """Nothing waits: the clock does not go on before what is due is applied."""
        return 0

    def drain(self, budget_ns: int) -> bool:
        """Apply what is due, for so long; of a jump, as much as a frame may take.

        Returns:
            True if anything was applied.
        """
        until_ns = self._real() + (SEEK_NS if self._goal_ns else budget_ns)

        def in_time() -> bool:
            return self._real() < until_ns

        if self._coming is not None:
            self._coming.play(self._goal_ns, in_time)
            return False
        before = self.model.batches
        to_ns = self._goal_ns or self._moment()
        if not self._reel.play(to_ns, in_time) and not self._goal_ns:
            # The disk or this machine is too slow for the speed: the clock waits.
            self._set(min(self._reel.next_ns, to_ns))
        return self.model.batches != before

    # The clock

    def clock(self) -> int:
        """Give the moment of the recording that is to be shown. A jump ends here, between two frames."""
        if not self._goal_ns:
            return self._moment()
        reel = self._coming or self._reel
        if reel.next_ns > self._goal_ns:
            self.jumps += self._coming is not None
            self._reel, self._coming = reel, None
            self._set(self._goal_ns)
            self._goal_ns = 0
            return self._moment()
        # Forwards the picture runs along; backwards it stands until the other one is there.
        return self._anchor[1] if self._coming is not None else min(reel.next_ns, self._goal_ns)

    @property
    def speed(self) -> float:
        """Seconds of the recording in a second."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether the picture stands."""
        return self._paused

    @property
    def ended(self) -> bool:
        """Whether the end is reached: the last picture stands."""
        return not self._goal_ns and self._moment() >= self.index.ended_ns

    @property
    def past_ns(self) -> int:
        """Where a jump back goes while the model is still that of a later moment of the same run; else 0."""
        if self._coming is None or self._goal_ns > self._reel.at_ns:
            return 0
        index = self.index
        return self._goal_ns if index.place(self._goal_ns) == index.place(self._reel.at_ns) else 0

    @property
    def position_ns(self) -> int:
        """How far from the beginning."""
        return (self._goal_ns or self._moment()) - self.index.began_ns

    @property
    def seeking(self) -> float | None:
        """How much of a jump is done, from 0 to 1; None while there is none."""
        if not self._goal_ns:
            return None
        reel = self._coming or self._reel
        way = self._goal_ns - reel.from_ns
        return min(max((reel.next_ns - reel.from_ns) / way, 0.0), 1.0) if way > 0 else 1.0

    def pause(self) -> None:
        """Stand, or go on; at the end, begin again."""
        if self.ended:
            self.jump(self.index.began_ns)
            self._paused = False
            return
        at_ns = self._moment()
        self._paused = not self._paused
        self._set(at_ns)

    def faster(self, step: int) -> None:
        """Take the next speed up (1) or down (-1)."""
        at_ns = self._moment()
        self._speed = next_speed(self._speed, step) or SPEEDS[0]
        self._set(at_ns)

    def jump(self, to_ns: int) -> None:
        """Go to a moment of the recording; what is outside of it means its ends."""
        to_ns = min(max(to_ns, self.index.began_ns), self.index.ended_ns)
        self._set(self.clock())
        place = self.index.place(to_ns)
        reels = [reel for reel in (self._reel, self._coming) if reel is not None]
        # What is on its way already has come a part of the way, if it has not come too far.
        near = [reel for reel in reels if reel.at_ns <= to_ns and self.index.place(reel.at_ns) == place]
        reel = max(near, key=lambda reel: reel.at_ns, default=None)
        if reel is None:
            reel = Reel(self.recording, self.index, to_ns, self._scenarios)
        self._coming = reel if reel is not self._reel else None
        reel.from_ns = reel.at_ns
        self._goal_ns = to_ns

    def skip(self, step_ns: int) -> None:
        """Go on or back by so much."""
        self.jump((self._goal_ns or self._moment()) + step_ns)

    def mark(self, step: int) -> Mark | None:
        """Go to the next mark (1) or to the one before (-1); give it, or None if there is none."""
        at_ns = self._goal_ns or self._moment()
        if step > 0:
            found = next((mark for mark in self.index.marks if mark.at_ns > at_ns), None)
        else:
            near_ns = at_ns if self._paused else at_ns - NEAR_NS * self._speed
            found = next((mark for mark in reversed(self.index.marks) if mark.at_ns < near_ns), None)
        if found is not None:
            self.jump(found.at_ns)
        return found

    def _moment(self) -> int:
        real_ns, at_ns = self._anchor
        if not self._paused:
            at_ns += int((self._real() - real_ns) * self._speed)
        return min(at_ns, self.index.ended_ns)

    def _set(self, at_ns: int) -> None:
        self._anchor = (self._real(), at_ns)
