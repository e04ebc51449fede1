"""The model: a pure reduction of events to what can be seen. No clock, no I/O, no screen.

`Model.apply` takes batches; everything else reads. The present moment comes in as `now_ns`.
"""

from looplab.model.ceiling import Ceiling, Resource
from looplab.model.columns import Span
from looplab.model.histogram import Histogram
from looplab.model.loop import LoopLane, LoopRun
from looplab.model.model import Model
from looplab.model.requests import Request
from looplab.model.series import BUCKET_NS
from looplab.model.slots import PoolState, SlotPool
from looplab.model.sources import Source
from looplab.model.stalls import Place, StallRecord
from looplab.model.statistics import Latency, Little, Statistics
from looplab.model.users import Row, Users
from looplab.model.uses import BUSY, HELD, Slot, Use
from looplab.model.verdicts import Verdict
from looplab.model.workers import Worker

__all__ = [
    "BUCKET_NS",
    "BUSY",
    "HELD",
    "Ceiling",
    "Histogram",
    "Latency",
    "Little",
    "LoopLane",
    "LoopRun",
    "Model",
    "Place",
    "PoolState",
    "Request",
    "Resource",
    "Row",
    "Slot",
    "SlotPool",
    "Source",
    "Span",
    "StallRecord",
    "Statistics",
    "Use",
    "Users",
    "Verdict",
    "Worker",
]
