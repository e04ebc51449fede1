"""Why a service is not there, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence


class ServiceFailed(Exception):  # noqa: N818  the state of the run that it leads to is "failed"
    """A service that the scenario needs is not to be had."""

    def __init__(self, reason: str, log: Sequence[str] = ()) -> None:
        """Say why, and the mend, in one line; the log is what the service itself has said."""
        super().__init__(reason)
        self.reason = reason
        self.log = list(log)
