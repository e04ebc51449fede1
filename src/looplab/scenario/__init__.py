"""The scenario file: what it may hold, its loader, knobs, claims and steps; and the file of a talk.

A scenario is a folder with a `scenario.toml` and a plain web app. Everything that can be wrong with it is
told in one line before anything starts: the file, the key, what was expected, and the mend.
"""

from .article import Article, Figures
from .catalogue import ORDER, catalogue, find
from .claims import claim_variants, evaluate, run_number
from .errors import ScenarioError
from .expression import Expression, ExpressionError
from .knobs import TRAFFIC_SETTINGS, knob_environment, knob_values, plan_for, settings_of
from .loader import load
from .new import create
from .own import own_app, own_traffic, read_traffic, traffic_text
from .schema import ZOOMS, Claim, Knob, Own, Scenario, Step, Variant
from .steps import STATES, is_live
from .talk import TOUR, Scene, Talk, load_talk

__all__ = [
    "ORDER",
    "STATES",
    "TOUR",
    "TRAFFIC_SETTINGS",
    "ZOOMS",
    "Article",
    "Claim",
    "Expression",
    "ExpressionError",
    "Figures",
    "Knob",
    "Own",
    "Scenario",
    "ScenarioError",
    "Scene",
    "Step",
    "Talk",
    "Variant",
    "catalogue",
    "claim_variants",
    "create",
    "evaluate",
    "find",
    "is_live",
    "knob_environment",
    "knob_values",
    "load",
    "load_talk",
    "own_app",
    "own_traffic",
    "plan_for",
    "read_traffic",
    "run_number",
    "settings_of",
    "traffic_text",
]
