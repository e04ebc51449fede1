"""A computation that waits for nothing, in a file of its own: a process of the pool imports only this."""

from math import isqrt


def count_primes(below):
    return sum(all(number % divisor for divisor in range(2, isqrt(number) + 1)) for number in range(2, below))
