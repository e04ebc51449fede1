"""`[services]`: what runs beside a scenario's server, and with which numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from .errors import mend, written
from .table import Table

Setting = Annotated[float | str, Meta(description="a number, or the name of a knob")]


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """`upstream = {latency = "delay"}`: a service that the scenario's app calls, and how it answers.

    Each value is a number, or the name of the knob that turns it while the service runs.
    """

    latency: Setting = 0.1
    """Seconds that it takes for an answer."""
    jitter: Setting = 0.0
    """Seconds by which the latency differs from call to call at most, up and down."""
    failures: Setting = 0.0
    """Share of the calls, from 0 to 1, that get a 503."""

    @property
    def knobs(self) -> set[str]:
        """Name the knobs that set it."""
        return {value for value in msgspec.structs.asdict(self).values() if isinstance(value, str)}

    def numbers(self, knobs: Mapping[str, float]) -> dict[str, float]:
        """Give every setting its value, with the knobs as they are turned."""
        return {
            name: knobs[value] if isinstance(value, str) else float(value)
            for name, value in msgspec.structs.asdict(self).items()
        }


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The services of a scenario."""

    postgres: Annotated[bool, Meta(description="true or false")] = False
    upstream: Upstream | None = None


def services(table: Table, knobs: Collection[str]) -> Services:
    """Read `[services]`.

    Raises:
        ScenarioError: an unknown key, a knob that is not there, or a number that makes no sense.
    """
    upstream = None
    if "upstream" in table.raw:
        entry = table.table("upstream")
        upstream = entry.decode(Upstream)
        for name, value in msgspec.structs.asdict(upstream).items():
            _check(entry, name, value, knobs)
    return table.decode(Services, opened=("upstream",), given={"upstream": upstream})


def _check(entry: Table, name: str, value: float | str, knobs: Collection[str]) -> None:
    if isinstance(value, str):
        if value not in knobs:
            raise entry.problem(name, f'there is no knob "{value}"; {mend(value, knobs)}')
    elif value < 0 or (name == "failures" and value > 1):
        span = "from 0 to 1" if name == "failures" else "from 0"
        raise entry.problem(name, f"expected a number {span}, got {written(value)}")
