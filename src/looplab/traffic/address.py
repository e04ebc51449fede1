"""Where requests may go: to this machine, and to hosts that a person allowed by name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

from looplab.traffic.errors import JobError

_LOCALHOST = ("127.0.0.1", "::1")
"""RFC 6761: `localhost` is loopback. It is not looked up, so no hosts file can point it elsewhere."""


def resolve(host: str, allowed: Collection[str] = ()) -> tuple[str, ...]:
    """Give the addresses to try, in order, for a host of this machine or one of those allowed.

    Raises:
        JobError: the host is neither 127.0.0.0/8, ::1 or localhost nor allowed, or has no address.
    """
    if host.lower() == "localhost":
        return _LOCALHOST
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None and address.is_loopback:
        return (str(address),)
    if host.lower() not in {name.lower() for name in allowed}:
        raise JobError(
            f"target {host!r} is not on this machine: traffic goes to 127.0.0.0/8, ::1 or localhost only,"
            f" unless you say --allow-remote {host}"
        )
    if address is not None:
        return (str(address),)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise JobError(f"target {host!r} has no address: {reason}") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def authority(host: str, port: int) -> str:
    """Give `host:port` as a Host header has it, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
