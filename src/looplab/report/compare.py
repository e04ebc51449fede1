"""Several runs: how far they are apart, and variants against each other as a ratio with its interval.

The interval from the smallest to the largest of n independent runs holds the true median with a probability
of 1 - 2^(1-n), whatever their distribution is: it misses only if all n fall on the same side of the median
(David & Nagaraja, "Order Statistics", 2003, section 7.1). Variants are compared run by run within a turn,
since the runs of a turn stand next to each other in time and have the same machine (paired observations:
Jain, "The Art of Computer Systems Performance Analysis", 1991, section 13.4.1).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Run = Mapping[str, Any]

METRICS: dict[str, Callable[[Run], float | None]] = {
    "rps": lambda run: run["rps"],
    "service_p50_ms": lambda run: run["latency_ms"]["service"]["p50"],
    "service_p95_ms": lambda run: run["latency_ms"]["service"]["p95"],
    "response_p95_ms": lambda run: run["latency_ms"]["response"]["p95"],
}
"""What is told of several runs."""


def coverage(runs: int) -> float:
    """Give the probability that the smallest and the largest of so many runs have the median between them."""
    return 1 - 2.0 ** (1 - runs)


def interval(values: Sequence[float]) -> dict[str, Any] | None:
    """Give median, smallest, largest and what the interval covers; None without a value."""
    if not values:
        return None
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
        "runs": len(values),
        "coverage": round(coverage(len(values)), 4),
    }


def spread(runs: Sequence[Run]) -> dict[str, Any]:
    """Give the interval of each metric over the runs that have it."""
    return {
        name: interval([value for run in runs if (value := read(run)) is not None])
        for name, read in METRICS.items()
    }


def ratios(runs: Sequence[Run], base: Sequence[Run], read: Callable[[Run], float | None]) -> list[float]:
    """Divide each run by the one of the same turn; turns without both numbers are left out."""
    pairs = ((read(one), read(other)) for one, other in zip(runs, base, strict=True))
    return [one / other for one, other in pairs if one is not None and other]


def comparisons(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compare each variant with the first one of its scenario."""
    return [
        {
            "scenario": result["scenario"],
            "variant": result["variant"],
            "base": base["variant"],
            "ratio": {
                name: interval(ratios(result["runs"], base["runs"], read)) for name, read in METRICS.items()
            },
        }
        for base, result in _pairs(results)
    ]


def _pairs(results: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    bases: dict[str, Mapping[str, Any]] = {}
    for result in results:
        base = bases.setdefault(result["scenario"], result)
        if base is not result:
            yield base, result
