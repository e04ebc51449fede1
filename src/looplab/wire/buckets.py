"""Log-linear buckets for latencies in nanoseconds: 32 to an octave.

The layout of HdrHistogram (Tene): an exact bucket for each value below 32 ns, then 32 equal buckets
for each power of two, so that a bucket is at most 1/32 = 3.1 % wide. Sparse dictionaries of counts
merge by addition, and a percentile of the merged counts is the percentile of all values; averaging
percentiles is not.
"""

from __future__ import annotations

_SUB_BITS = 5
_SUB = 1 << _SUB_BITS


def bucket(ns: int) -> int:
    """Give the number of the bucket that holds a latency; negative latencies count as 0."""
    if ns < _SUB:
        return max(ns, 0)
    shift = ns.bit_length() - _SUB_BITS - 1
    return (shift << _SUB_BITS) + (ns >> shift)


def bounds(number: int) -> tuple[int, int]:
    """Give the half-open range `[low, high)` of latencies, in nanoseconds, that a bucket holds."""
    if number < 2 * _SUB:
        return number, number + 1
    shift = (number >> _SUB_BITS) - 1
    low = ((number & (_SUB - 1)) + _SUB) << shift
    return low, low + (1 << shift)
