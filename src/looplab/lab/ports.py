"""Ports: each connection takes one of the client's, and gives it back only some time after its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from looplab.traffic.plan import Plan

KERNEL = Path("/proc/sys/net/ipv4")

REUSED = ("1", "2")
"""Values of `tcp_tw_reuse` with which Linux gives a port of loopback to another connection after a second."""


class Ports(NamedTuple):
    """What connections of this machine can be made of."""

    number: int
    held_s: float
    """How long a port stays in TIME_WAIT once its connection is closed."""

    @property
    def rate(self) -> int:
        """Connections a second that can be opened for any length of time."""
        return int(self.number / self.held_s)


MACOS = Ports(65_535 - 49_152 + 1, 30.0)
"""`net.inet.ip.portrange` and twice `net.inet.tcp.msl`, as macOS comes."""


def ports(kernel: Path = KERNEL) -> Ports | None:
    """Read what this system allows; None where it does not tell."""
    if sys.platform == "darwin":
        return MACOS
    try:
        first, last = map(int, (kernel / "ip_local_port_range").read_text().split())
        reused = (kernel / "tcp_tw_reuse").read_text().strip() in REUSED
    except (OSError, ValueError):
        return None
    return Ports(last - first + 1, 1.0 if reused else 60.0)


def shortage(plan: Plan, known: Ports | None) -> str:
    """Say, with the mend, that a plan opens connections faster than ports come back; empty if it does not.

    Users who wait for answers open as many as the server lets them: of them it is told when it happens.
    """
    fastest = max((_rate(phase) for phase in plan.sequence), default=0.0)
    if known is None or fastest <= known.rate:
        return ""
    return (
        f"{fastest:,g} connections a second need {fastest * known.held_s:,.0f} ports, each held for"
        f" {known.held_s:g} s after its end, and this machine has {known.number:,}:"
        f" keep connections alive, or stay below {known.rate:,} a second"
    )


def _rate(plan: Plan) -> float:
    """Give the most connections a second that a plan asks for by itself."""
    if plan.keep_alive or not plan.is_open:
        return 0.0
    return max([plan.rate, plan.start, *(stage.target for stage in plan.stages)])
