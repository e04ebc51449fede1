"""When memory is searched for garbage: between two frames, and of what is new only.

Left alone Python searches whenever enough was made, sooner or later all that a run has left behind: a tenth
of a second and more in which no key is answered. What a model forgets needs no search, for nothing in it
points in circles; what does is a model as a whole, so all is searched when another takes its place.
"""

from __future__ import annotations

import gc
from typing import Final

_YOUNG, _YOUNGER_THAN_A_RUN, _ALL = 0, 1, 2
"""Generations, as `gc.collect` counts them."""
ENOUGH: Final = 5_000
"""New objects from which a search pays: it takes about half a millisecond."""
SEARCHES: Final = 5
"""Searches of the newest objects after which those that outlived them are searched once more."""


class Garbage:
    """Has the collector of this process to itself from `begin` to `end`."""

    def __init__(self) -> None:
        self._was_on = False
        self._begun = False

    def begin(self) -> None:
        """Take over."""
        self._was_on, self._begun = gc.isenabled(), True
        gc.disable()

    def search(self) -> None:
        """Search among what is new, if there is enough of it."""
        made, searches, _ = gc.get_count()
        if self._begun and made >= ENOUGH:
            gc.collect(_YOUNGER_THAN_A_RUN if searches >= SEARCHES else _YOUNG)

    def search_all(self) -> None:
        """Search everywhere: for a moment in which nobody waits for anything."""
        if self._begun:
            gc.collect(_ALL)

    def end(self) -> None:
        """Leave it to Python again."""
        if not self._begun:
            return
        self._begun = False
        if self._was_on:
            gc.enable()
