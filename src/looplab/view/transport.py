"""Where a replay is: what its track, its header and its keys show."""

from __future__ import annotations

from dataclasses import dataclass

from looplab.view import format as write


@dataclass(frozen=True)
class Transport:
    """The state of a player, in one frame."""

    position_ns: int
    length_ns: int
    speed: float
    paused: bool
    ended: bool
    seeking: float | None
    """How much of a jump is done; None while there is none."""
    marks: tuple[tuple[float, str], ...]
    """Place, from 0 to 1, and kind of each moment worth going to."""
    whole: bool
    """Whether the recording ends in good order; a damaged one plays up to the damage."""

    @property
    def share(self) -> float:
        """The position, from 0 to 1."""
        return self.position_ns / self.length_ns if self.length_ns else 1.0

    @property
    def status(self) -> tuple[str, str, str]:
        """Sign, word and severity, as in the header."""
        at = write.clock(self.position_ns)
        if self.seeking is not None:
            return "◌", f"going to {at}  {self.seeking:.0%}", "info"
        if self.ended:
            return "■", f"replay {at}, {'the end' if self.whole else 'the file is damaged'}", "info"
        if self.paused:
            return "‖", f"replay {at}, paused", "info"
        speed = f" {self.speed:g}×" if self.speed != 1 else ""
        return "▶", f"replay {at}{speed}", "info"
