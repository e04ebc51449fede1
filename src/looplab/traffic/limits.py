"""Open files: each user holds a connection to each server that it talks to, and a connection is a file."""

from __future__ import annotations

import resource

from looplab.traffic.errors import JobError

RESERVED_FILES = 32
"""Files that are not connections: the standard streams, the event loop's own, the lab's socket, modules."""

_MACOS_MOST = 10_240
"""`OPEN_MAX` of macOS: setrlimit refuses more, though the hard limit says unlimited."""


def raise_file_limit() -> int:
    """Raise the soft limit of open files as far as it goes, and give how many users it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, _MACOS_MOST):
        if soft != resource.RLIM_INFINITY and (wanted == resource.RLIM_INFINITY or wanted > soft):
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            except (ValueError, OSError):
                continue
            soft = wanted
    return most_users(soft)


def most_users(files: int) -> int:
    """Give how many users a limit of open files allows."""
    if files == resource.RLIM_INFINITY:
        return 1_000_000
    return max(files - RESERVED_FILES, 0)


def check_users(users: int, most: int, servers: int = 1) -> None:
    """Refuse more users than there can be connections; with several servers a user may leave one at each.

    Raises:
        JobError: with the mend.
    """
    if users * servers > most:
        need = users * servers + RESERVED_FILES
        at = f" at {servers} servers" if servers > 1 else ""
        raise JobError(
            f"{users} users{at} need {need} open files, the limit allows {most + RESERVED_FILES}:"
            f" raise it with `ulimit -n {need}` or take at most {most // servers} users"
        )
