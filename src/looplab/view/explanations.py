"""How each panel of the main screen is read, in the words of the help."""

from __future__ import annotations

from typing import Final

PANELS: Final[dict[str, tuple[str, str]]] = {
    "verdict": (
        "Verdict",
        """
        What is going on, in one sentence with numbers: ■ is wrong, ▲ is a limit, ● is well.

        The large figure is the rate that is measured; “of” is the ceiling, which is what the loop, the
        CPU, the threads or the users allow at most.

        A click, or d, shows what is behind it and the ceiling of each resource.
        """,
    ),
    "users": (
        "Users",
        """
        Every row is a user, every bar a request, every column a moment; colour and glyph tell the
        phase.

        The shape is the message. A staircase: one runs at a time. A wall: all wait together. Steps of
        40: the threads are full.

        With more users than rows two share a row, or more; “a row” in the title says how many.

        A click on a bar lights that request in every band, and its phases are told in words.
        """,
    ),
    "loops": (
        "Loop",
        """
        One lane a worker, w0, w1 and so on. The height of a column is the share of its time in which a
        run held the loop.

        Solid in the colour of blocking: one run has held it for 50 ms or more, and nobody else moved.

        Below it the lag: how late the loop's heartbeat came. Many short runs can make lag without a
        single stall.
        """,
    ),
    "threads": (
        "Threads",
        """
        The slots in which a plain def runs, 40 in FastAPI; below them executors, processes, database
        connections, HTTP calls by the host that is called, or gunicorn's workers × threads.

        Held and busy are two things: a slot is given back on the loop, so a blocked loop keeps slots
        whose threads are done. Those are darker.

        “full” in the title: more want a slot than there are.

        ×8: what a slot has done for nobody in particular was the answer to eight requests, a batch.
        """,
    ),
    "axis": (
        "Axis",
        """
        The same seconds for all bands: look down a column to see where everybody was at that moment.

        ▲ is now, ◆ is where a knob, the users or the traffic was turned.

        ( and ) make the window narrower and wider, w lets it sweep or run.
        """,
    ),
    "code": (
        "Code",
        """
        The function that is served. ▶ marks the line that holds the loop, while it does; if that is
        another function, the panel goes there.

        k shows or hides it.
        """,
    ),
    "numbers": (
        "Numbers",
        """
        Each with its history over the same seconds as the bands.

        service: latency from the moment a request was sent. response: from the moment it should have
        been sent; only traffic with a rate has one.

        –: too few samples. A percentile needs ten beyond it.

        unfinished: no answer when the time was up. dropped: events that the instruments could not hand
        over; the totals stay exact.

        Knobs: a click on the left half turns one down, on the right half up.
        """,
    ),
    "header": (
        "Header",
        """
        What runs and where it listens; ● live, ◌ starting, ✓ done, ❄ frozen, ■ failed.

        ui: what a frame of this screen costs. late: how much too late it came. probe: CPU time of the
        instruments in the server, as a share of one core; while the loop is blocked they look every 10 ms,
        and nobody else wants the time.

        A click on the name opens the list of scenarios; so does o.
        """,
    ),
}
"""Panels by id: a title, and paragraphs."""
