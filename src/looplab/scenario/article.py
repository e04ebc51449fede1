"""`[article]`: the traffic, the knobs and the figures of an article, to be run and set beside one's own."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from looplab.traffic.plan import Plan

Figure = Annotated[float, Meta(ge=0, description="a number from 0")]
Milliseconds = Annotated[float, Meta(ge=0, description="milliseconds, as a number from 0")]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`[article.figures.VARIANT]`: what the article says of a variant; None where it says nothing."""

    rps: Figure | None = None
    p50: Milliseconds | None = None
    """Of the service latency: from the moment that a request was sent."""
    p90: Milliseconds | None = None
    p95: Milliseconds | None = None
    errors: Annotated[float, Meta(ge=0, le=1, description="a share from 0 to 1")] | None = None
    """Share of the requests that failed."""
    duration: Annotated[float, Meta(ge=0, description="seconds, as a number from 0")] | None = None
    """Seconds that a whole burst takes."""


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """How an article has measured a scenario, and what came of it."""

    source: Annotated[str, Meta(min_length=1, description="a text")]
    """Which article, and which part of it."""
    knobs: dict[str, float] = {}
    """Its values; knobs that are not here keep their default."""
    traffic: Plan | None = None
    """Its traffic; None if it is that of the scenario."""
    figures: dict[str, Figures] = {}
    """By variant."""
