"""The users' rows: one row a user, one bar a request, and foreign requests below them."""

from __future__ import annotations

from bisect import bisect_left, insort
from operator import attrgetter

from looplab.model.columns import paint
from looplab.model.requests import Request

MOST_USERS = 20_000
"""Rows beyond this are not kept; no screen shows them, and a damaged event must not cost memory."""

MOST_FOREIGN = 256
"""Lanes for foreign requests; what finds no free lane is counted and not drawn."""

_begin = attrgetter("begin_ns")


class Row:
    """The requests of one user, or one lane of foreign requests, in time order."""

    __slots__ = ("foreign", "number", "requests", "version")

    def __init__(self, number: int, foreign: bool) -> None:
        self.number = number
        """Number of the user from 0, or of the foreign lane from 0."""
        self.foreign = foreign
        self.requests: list[Request] = []
        self.version = 0
        """Goes up whenever an event changes a request of this row."""

    @property
    def live(self) -> bool:
        """Whether a request is open, so that the row changes with time although no event comes."""
        return bool(self.requests) and self.requests[-1].open

    @property
    def until_ns(self) -> int:
        """When its last bar ends, as far as it is known."""
        return self.requests[-1].end_ns if self.requests else 0

    def add(self, request: Request) -> None:
        """Put a request where its beginning belongs."""
        request.row = self
        requests = self.requests
        if requests and request.begin_ns < requests[-1].begin_ns:
            insort(requests, request, key=_begin)
        else:
            requests.append(request)

    def drop_forgotten(self) -> None:
        """Drop the requests at the front that the model no longer keeps."""
        count = 0
        for request in self.requests:
            if not request.forgotten:
                break
            count += 1
        if count:
            del self.requests[:count]
            self.version += 1

    def between(self, from_ns: int, to_ns: int, now_ns: int) -> list[Request]:
        """Give the requests that overlap `[from_ns, to_ns)`."""
        requests = self.requests
        index = bisect_left(requests, from_ns, key=_begin)
        # One request at a time in a row: only the one before can reach into the interval.
        if index and (requests[index - 1].end_ns or now_ns) > from_ns:
            index -= 1
        found = []
        for place in range(index, len(requests)):
            if requests[place].begin_ns >= to_ns:
                break
            found.append(requests[place])
        return found

    def phases_by_column(
        self, from_ns: int, column_ns: int, first_col: int, last_col: int, now_ns: int
    ) -> bytearray:
        """Give the phase number of each column in `[first_col, last_col)`, 0 where there is nothing.

        Column `c` covers `[from_ns + c * column_ns, from_ns + (c + 1) * column_ns)`. The rule is that
        of `columns.paint`. The cost is the number of columns asked for, plus the phases in them.
        """
        columns = last_col - first_col
        if columns <= 0 or column_ns <= 0:
            return bytearray()
        begin = from_ns + first_col * column_ns
        end = begin + columns * column_ns
        shown = self.between(begin, end, now_ns)
        cut = bool(shown) and shown[0].begin_ns < begin
        return paint(
            (request.spans(begin, end, now_ns) for request in shown), begin, column_ns, columns, cut=cut
        )


class Users:
    """All rows: the users first, then the lanes of foreign requests."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        """One row a user, by number."""
        self.foreign: list[Row] = []
        """Lanes of requests that are not looplab's; as many as were ever open at once."""
        self.version = 0
        """Goes up when rows are added."""

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.rows) + len(self.foreign)

    def row(self, index: int) -> Row:
        """Give a row by its place on the screen.

        Raises:
            IndexError: there is no such row.
        """
        users = len(self.rows)
        return self.rows[index] if index < users else self.foreign[index - users]

    def expect(self, users: int) -> None:
        """Have rows for so many users."""
        rows = self.rows
        if len(rows) < min(users, MOST_USERS):
            rows.extend(Row(number, foreign=False) for number in range(len(rows), min(users, MOST_USERS)))
            self.version += 1

    def place(self, request: Request) -> None:
        """Put a request with a known user into that user's row."""
        if 0 <= request.user < MOST_USERS:
            self.expect(request.user + 1)
            self.rows[request.user].add(request)

    def place_foreign(self, request: Request) -> None:
        """Put a foreign request into the lowest lane that is free when it begins."""
        begin = request.begin_ns
        for lane in self.foreign:
            if not lane.requests or ((end := lane.requests[-1].end_ns) and end <= begin):
                lane.add(request)
                return
        if len(self.foreign) < MOST_FOREIGN:
            lane = Row(len(self.foreign), foreign=True)
            self.foreign.append(lane)
            self.version += 1
            lane.add(request)
