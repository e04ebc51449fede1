"""Where requests may go: to this machine and nowhere else."""

from __future__ import annotations

import ipaddress

from looplab.traffic.errors import JobError

_LOCALHOST = ("127.0.0.1", "::1")
"""RFC 6761: `localhost` is loopback. It is not looked up, so no hosts file can point it elsewhere."""


def loopback(host: str) -> tuple[str, ...]:
    """Give the addresses to try, in order, for a host of this machine.

    Raises:
        JobError: the host is not 127.0.0.0/8, ::1 or localhost.
    """
    if host.lower() == "localhost":
        return _LOCALHOST
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise JobError(
            f"target {host!r} is not on this machine: traffic goes to 127.0.0.0/8, ::1 or localhost only"
        )
    return (str(address),)


def authority(host: str, port: int) -> str:
    """Give `host:port` as a Host header has it, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
