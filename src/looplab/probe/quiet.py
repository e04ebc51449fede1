"""Keeps uvicorn's access log of WebSockets out of the lab's log, where that of requests is switched off.

There is no option for it: uvicorn and its library write two lines for each WebSocket that opens and closes.
Ten thousand of them would push all else out of the log, and cost the server the time to write them.
"""

from __future__ import annotations

import logging

_LOGGER = "uvicorn.error"

_LINES = frozenset(
    {
        '%s - "WebSocket %s" [accepted]',
        '%s - "WebSocket %s" 403',
        '%s - "WebSocket %s" %d',
        "connection open",
        "connection closed",
        "connection rejected (%d %s)",
    }
)


def hush() -> None:
    """Leave these lines out from now on; all others are written as before."""
    logging.getLogger(_LOGGER).addFilter(_wanted)


def _wanted(record: logging.LogRecord) -> bool:
    return record.msg not in _LINES or record.levelno > logging.INFO
