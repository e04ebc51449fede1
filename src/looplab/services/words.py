"""What went wrong with a PostgreSQL, in a sentence with the mend."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable

from looplab.services.address import SCHEMA, URL, shown

BY_STATE = {
    "28": "refuses the user or the password; correct it in {URL}",
    "3D": "has no such database; create it, or correct its name in {URL}",
    "53300": "has no free connection; close other programs, raise its max_connections, or turn the pool down",
    "53100": "has no space left on its disk; free some",
    "42501": "does not let this user make the schema {SCHEMA}; GRANT CREATE ON DATABASE … TO the user",
    "57P03": "does not accept connections now; try again when it has started",
    "55P03": "is locked by another lab or program that does not go on; end that one",
    "42704": "does not know a setting in the address; correct {URL}",
}
"""Mends by the SQLSTATE of an error, or by its class."""


def reason(error: BaseException, url: str) -> str:
    """Say why a server at an address is not to be had; the password is not in it."""
    where = f"the PostgreSQL at {shown(url)}"
    state = str(getattr(error, "sqlstate", None) or "")
    for known in (state, state[:2]):
        if known in BY_STATE:
            return f"{where} {BY_STATE[known].format(URL=URL, SCHEMA=SCHEMA)}"
    if state:
        return f"{where} failed: {_line(error)}"
    if isinstance(error, OSError | TimeoutError):
        return (
            f"no PostgreSQL answers at {shown(url)} ({_line(error)}); start it, "
            f"or unset {URL} to use the embedded one"
        )
    return f"{where} cannot be used: {_line(error)}; look at {URL}"


_FULL = re.compile(r"too many (?:clients|connections)|remaining connection slots", re.IGNORECASE)
_GONE = re.compile(
    r"(?:could not connect|connection (?:failed|refused|was closed)|server closed the connection"
    r"|Connect call failed|PostgresConnectionError|CannotConnectNow|terminating connection)",
    re.IGNORECASE,
)


def mend_of_output(line: str) -> str:
    """Say what mends a database error that an app has printed; empty if it is none of the known ones."""
    if _FULL.search(line):
        return f"PostgreSQL {BY_STATE['53300']}"
    if _GONE.search(line):
        return "the app has lost its PostgreSQL; it is started again with the next start"
    return ""


_NO_SPACE = "No space left"
_COMPLAINT = re.compile(r"(?:FATAL|PANIC|error): +(.+)")
_BROKEN = (
    "could not locate a valid checkpoint record",
    "invalid checkpoint record",
    "invalid data in file",
    "global/pg_control",
    "is not a valid data directory",
    "incompatible with server",
)
"""What PostgreSQL says of data that it cannot read."""


def tells_of_broken_data(log: Iterable[str]) -> bool:
    """Tell whether a server that did not start has said that its data cannot be read, ever."""
    text = "\n".join(log)
    return _NO_SPACE not in text and any(words in text for words in _BROKEN)


def of_start(what: str, log: Iterable[str], as_root: bool) -> str:
    """Say why the embedded server was not started: what has happened, its own complaint, and the mend."""
    complaints = [found[1].strip() for line in log if (found := _COMPLAINT.search(line))]
    full = [complaint for complaint in complaints if _NO_SPACE in complaint]
    why = f": {(full or complaints)[-1]}" if complaints else ""
    mend = ""
    if full:
        mend = "; free some space, or let LOOPLAB_DATA name another folder"
    elif as_root and any("Permission denied" in complaint for complaint in complaints):
        mend = "; run looplab as an ordinary user: PostgreSQL refuses to run as root"
    return f"{what}{why}{mend}"


def of_disk(error: OSError) -> str:
    """Say why a folder cannot be used, and the mend."""
    place = f" ({error.filename})" if error.filename else ""
    mend = {
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.EWOULDBLOCK: "close other labs",
    }.get(error.errno or 0, "make it writable")
    return f"{error.strerror or error}{place}; {mend}, or let LOOPLAB_DATA name another folder"


def _line(error: BaseException) -> str:
    """Write an error in one line."""
    text = " ".join(str(error).split()).rstrip(".")
    return text if text else type(error).__name__
