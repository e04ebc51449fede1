"""The scenario file: what it may hold, its loader, knobs, claims and steps.

A scenario is a folder with a `scenario.toml` and a plain web app. Everything that can be wrong with it is
told in one line before anything starts: the file, the key, what was expected, and the mend.
"""

from .article import Article, Figures
from .catalogue import ORDER, catalogue, find
from .claims import claim_variants, evaluate
from .errors import ScenarioError
from .expression import Expression, ExpressionError
from .knobs import TRAFFIC_SETTINGS, knob_environment, knob_values, plan_for, settings_of
from .loader import load
from .new import create
from .schema import Claim, Knob, Scenario, Step, Variant
from .steps import STATES

__all__ = [
    "ORDER",
    "STATES",
    "TRAFFIC_SETTINGS",
    "Article",
    "Claim",
    "Expression",
    "ExpressionError",
    "Figures",
    "Knob",
    "Scenario",
    "ScenarioError",
    "Step",
    "Variant",
    "catalogue",
    "claim_variants",
    "create",
    "evaluate",
    "find",
    "knob_environment",
    "knob_values",
    "load",
    "plan_for",
    "settings_of",
]
