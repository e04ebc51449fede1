"""The facts of a run: by how much the numbers have changed that its scenario asks of the database."""

from __future__ import annotations

from collections.abc import Mapping

from looplab.services import facts


class Facts:
    """Knows the numbers from before the run. To be used in one event loop."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._queries: Mapping[str, str] = {}
        self._url = ""
        self._before: dict[str, float] = {}

    async def begin(self, queries: Mapping[str, str], url: str) -> None:
        """Ask for the numbers before the first request; without queries nobody is asked.

        Args:
            queries: an SQL query for each name.
            url: address of the database.

        Raises:
            ServiceFailed: the database does not answer, or a query is wrong; with the mend.
        """
        self._queries, self._url, self._before = queries, url, {}
        if queries:
            self._before = await facts.ask(url, queries)

    async def change(self) -> dict[str, float]:
        """Ask again, and give by how much each number is higher than before.

        Raises:
            ServiceFailed: the database does not answer any more.
        """
        if not self._before:
            return {}
        now = await facts.ask(self._url, self._queries)
        return {name: round(value - self._before[name], 6) for name, value in now.items()}
