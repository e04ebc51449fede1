"""Prediction: a discrete-event simulation of the resources of a server, calibrated by a measured run.

Pure: no clock, no input, no output. SimPy comes with the extra `predict`; whoever imports this room has it.
"""

from __future__ import annotations

from .bounds import Bounds, Limit, bounds
from .calibration import Outside, calibrate, predictable
from .demands import VERSION, Demands, PredictError
from .observations import Outcome, Used
from .prediction import Change, Point, Prediction, Teller, predict
from .simulation import Simulation
from .system import System, check, measured, with_slots

__all__ = [
    "VERSION",
    "Bounds",
    "Change",
    "Demands",
    "Limit",
    "Outcome",
    "Outside",
    "Point",
    "PredictError",
    "Prediction",
    "Simulation",
    "System",
    "Teller",
    "Used",
    "bounds",
    "calibrate",
    "check",
    "measured",
    "predict",
    "predictable",
    "with_slots",
]
