"""From intervals in phases to columns of a picture: each column shows one phase."""

from __future__ import annotations

from collections.abc import Iterable

from looplab.wire.events import Phase

Span = tuple[int, int, Phase]
"""An interval `[begin_ns, end_ns)` in one phase."""

_CODES = len(Phase) + 1
_FILL = [bytes([code]) for code in range(_CODES)]


def paint(
    groups: Iterable[list[Span]], begin_ns: int, column_ns: int, columns: int, *, cut: bool = False
) -> bytearray:
    """Give the phase number of each column, 0 where there is nothing.

    A column shows the phase that holds most of its time, with three exceptions that keep short things
    visible: runs that cover a quarter of the column win over waiting, and show as `blocking` if any of
    that time is; a column covered by less than a quarter stays empty, unless something shorter than
    half a column begins there, which would otherwise be seen nowhere.

    Args:
        groups: for each request its spans, clipped to the picture.
        begin_ns: left edge of the first column.
        column_ns: length of a column.
        columns: number of columns.
        cut: whether the first of the groups has begun before the picture: what is left of it may be short
            without beginning there.
    """
    out = bytearray(columns)
    shared: dict[int, list[int]] = {}
    short: set[int] = set()
    for spans in groups:
        cut, was_cut = False, cut
        if not spans:
            continue
        if spans[-1][1] - spans[0][0] < column_ns // 2 and not was_cut:
            short.add((spans[0][0] - begin_ns) // column_ns)
        for span_begin, span_end, phase in spans:
            first, left = divmod(span_begin - begin_ns, column_ns)
            last, right = divmod(span_end - begin_ns, column_ns)
            if first == last:
                _weights(shared, first)[phase] += right - left
                continue
            if left:
                _weights(shared, first)[phase] += column_ns - left
                first += 1
            if first < last:
                out[first:last] = _FILL[phase] * (last - first)
            if right:
                _weights(shared, last)[phase] += right
    for column, weights in shared.items():
        out[column] = _choose(weights, column_ns, column in short)
    return out


def _weights(shared: dict[int, list[int]], column: int) -> list[int]:
    weights = shared.get(column)
    if weights is None:
        weights = shared[column] = [0] * _CODES
    return weights


def _choose(weights: list[int], column_ns: int, short: bool) -> int:
    """Choose the phase of a column from the nanoseconds that each phase has in it."""
    if 4 * sum(weights) < column_ns and not short:
        return 0
    blocking = weights[Phase.BLOCKING]
    if 4 * (weights[Phase.RUNNING] + blocking) >= column_ns:
        return Phase.BLOCKING if blocking else Phase.RUNNING
    return weights.index(max(weights))
