"""The watch of event loops in tests: `loop_watch`, and what pytest loads of it.

pytest loads this package in every run of whoever has installed looplab, so its modules import nothing of
looplab before a watch begins, and nothing is watched unless a test asks for it.
"""

from looplab.pytest_plugin.watch import LoopBlocked, LoopWatch, loop_watch

__all__ = ["LoopBlocked", "LoopWatch", "loop_watch"]
