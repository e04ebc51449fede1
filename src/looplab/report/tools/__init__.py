"""Other load generators: what to type so that they make the same traffic, and where they cannot."""

from .ab import ab
from .base import Equivalent
from .k6 import k6
from .locust import locust
from .oha import oha
from .wrk import wrk

__all__ = ["Equivalent", "ab", "k6", "locust", "oha", "wrk"]
