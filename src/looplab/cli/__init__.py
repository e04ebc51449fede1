"""The command `looplab`: arguments and wiring only."""

from .main import main

__all__ = ["main"]
