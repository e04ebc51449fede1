"""The honest application in a process whose instruments raise, which it must never notice."""

import os

import anyio.to_thread
from truth import app

from looplab.probe import judge, ledger, watchdog

__all__ = ["app"]


def fail(*_: object) -> None:
    raise RuntimeError("out of order")


match os.environ["SABOTAGE"]:
    case "threads":
        anyio.to_thread.current_default_thread_limiter = fail
    case "requests":
        ledger.Ledger.collect = fail
    case "stalls":
        judge.Judge.judge = fail
    case "loop":
        watchdog.Watchdog._sample = fail
