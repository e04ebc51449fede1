"""The traffic of a scenario: every executor, stages, variables, phases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.scenario import ScenarioError, load, plan_for, settings_of
from looplab.traffic.plan import Plan, Stage, Variable

Write = Callable[..., Path]

OLD = 'executor = "burst"\nrequests = 20\nconcurrency = 10\n'


def plan_of(folder: Write, text: str) -> Plan:
    return load(folder((OLD, text))).traffic


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        (
            'executor = "ramping"\nstart = 5\nthink = "100ms"\nstages = [{target = 50, duration = "15s"}]',
            Plan(executor="ramping", start=5, think=0.1, stages=[Stage(target=50, duration=15)]),
        ),
        (
            'executor = "arrival-rate"\nrate = 200\narrivals = "poisson"\nconnections = 20\nwarmup = "2s"',
            Plan(executor="arrival-rate", rate=200, arrivals="poisson", connections=20, warmup=2),
        ),
        (
            'executor = "ramping-arrival-rate"\nmax_in_flight = 7\nstages = [{target = 9.5, duration = 1}]',
            Plan(executor="ramping-arrival-rate", max_in_flight=7, stages=[Stage(target=9.5, duration=1)]),
        ),
        (
            'executor = "websocket"\nusers = 10\nmode = "broadcast"\ninterval = "2s"\nopen_rate = 50\n'
            'path = "/ws"',
            Plan(executor="websocket", users=10, mode="broadcast", interval=2, open_rate=50, path="/ws"),
        ),
        ('executor = "stream"\nusers = 3', Plan(executor="stream", users=3)),
        (
            'executor = "upload"\nusers = 3\nbody_bytes = 9\nchunk_bytes = 2\nchunk_interval = "1s"',
            Plan(executor="upload", users=3, body_bytes=9, chunk_bytes=2, chunk_interval=1),
        ),
        (
            'executor = "constant"\nusers = 1\nkeep_alive = false\nbalance = "round-robin"\n'
            'allow_remote = ["example.org"]',
            Plan(
                executor="constant",
                users=1,
                keep_alive=False,
                balance="round-robin",
                allow_remote=["example.org"],
            ),
        ),
    ],
)
def test_every_executor_has_its_keys(folder: Write, text: str, plan: Plan) -> None:
    assert plan_of(folder, text + "\n") == plan


def test_variables_and_json(folder: Write) -> None:
    plan = plan_of(
        folder,
        OLD
        + """
[traffic.variables]
page = {range = [1, 9]}
n = {sequence = [0, 2]}
me = {unique = true}
what = {choice = ["a", 2]}
[[traffic.mix]]
path = "/{page}"
json = {book = {title = "{what}", pages = [1, 2.5]}}
""",
    )
    assert plan.variables == {
        "page": Variable(range=[1, 9]),
        "n": Variable(sequence=[0, 2]),
        "me": Variable(unique=True),
        "what": Variable(choice=["a", 2]),
    }
    assert plan.mix[0].json == {"book": {"title": "{what}", "pages": [1, 2.5]}}


def test_phases_take_over_what_stands_above_them(folder: Write) -> None:
    plan = plan_of(
        folder,
        """
timeout = 3
seed = 7
[[traffic.mix]]
path = "/x"
[[traffic.phases]]
name = "few"
executor = "constant"
users = 5
duration = "2s"
[[traffic.phases]]
name = "many"
executor = "arrival-rate"
rate = 100
timeout = 1
""",
    )
    few, many = plan.phases
    assert (few.name, few.users, few.duration, few.timeout, few.seed) == ("few", 5, 2.0, 3.0, 7)
    assert (many.name, many.rate, many.timeout, many.seed) == ("many", 100.0, 1.0, 7)
    assert few.mix == many.mix
    assert few.mix[0].path == "/x"
    assert (plan.executor, plan.length, plan.rows) == ("constant", None, 1_000)


def test_phases_of_one_executor_say_only_what_differs(folder: Write) -> None:
    plan = plan_of(
        folder,
        'executor = "constant"\nusers = 5\nduration = "1s"\nthink = 1\n'
        'phases = [{name = "a"}, {name = "b", users = 9}]\n',
    )
    assert [(phase.name, phase.users, phase.think) for phase in plan.phases] == [("a", 5, 1.0), ("b", 9, 1.0)]
    assert (plan.length, plan.rows) == (2.0, 9)


def test_a_variant_may_have_an_open_model_of_its_own(folder: Write) -> None:
    own = 'app = "app:two"\ntraffic = {executor = "arrival-rate", rate = 50}'
    scenario = load(folder(('app = "app:two"', own)))
    plan = plan_for(scenario, scenario.variant("def"), {"rate": "75", "duration": "3s"})
    assert (plan.rate, plan.duration, plan.is_open) == (75.0, 3.0, True)
    with pytest.raises(ScenarioError, match="rate: expected more than 0 and at most 100000 a second, got 0"):
        plan_for(scenario, scenario.variant("def"), {"rate": 0})


def test_think_is_a_setting_of_users(folder: Write) -> None:
    scenario = load(folder((OLD, 'executor = "constant"\nusers = 3\n')))
    assert settings_of(scenario) == ["delay", "users", "think", "duration"]
    assert plan_for(scenario, scenario.variants[0], {"think": "200ms"}).think == 0.2
    with pytest.raises(ScenarioError, match="think: expected 0 to 86400 seconds, got -1"):
        plan_for(scenario, scenario.variants[0], {"think": -1})


def test_the_numbers_of_phases_are_not_set_from_outside(folder: Write) -> None:
    scenario = load(folder((OLD, 'executor = "constant"\nusers = 3\nphases = [{}]\n')))
    assert settings_of(scenario) == ["delay"]
    with pytest.raises(ScenarioError, match="users: the traffic of one-way is in phases; it has no number"):
        plan_for(scenario, scenario.variants[0], {"users": 5})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'executor = "constant"\nusers = 1\nrate = 5',
            'traffic.rate: belongs to executor "arrival-rate", and this one is "constant"',
        ),
        (
            'executor = "arrival-rate"\nrate = 5\nstages = []',
            'traffic.stages: belongs to executor "ramping", and this one is "arrival-rate"',
        ),
        (
            'executor = "ramping"',
            'traffic.stages: missing; expected stages = [{target = 50, duration = "15s"}]',
        ),
        (
            'executor = "ramping"\nstages = [{target = -1, duration = 1}]',
            "traffic.stages[0].target: expected a number from 0, got -1",
        ),
        (
            'executor = "ramping"\nstages = [{target = 1}]',
            "traffic.stages[0].duration: missing; expected a duration",
        ),
        (
            'executor = "arrival-rate"\nrate = 5\narrivals = "random"',
            'traffic.arrivals: expected "constant" or "poisson", got "random"',
        ),
        ('executor = "arrival-rate"\nrate = 0', "traffic.rate: expected a number above 0, got 0"),
        (
            'executor = "websocket"\nusers = 1\nmode = "talk"',
            'traffic.mode: expected "idle", "echo" or "broadcast", got "talk"',
        ),
        (OLD + "warmup = 1", 'traffic.warmup: belongs to executor "constant", and this one is "burst"'),
        (
            OLD + "[traffic.variables]\nx = {range = [2, 1]}",
            "traffic.variables.x: expected range = [lowest, highest], got [2, 1]",
        ),
        (
            OLD + "[traffic.variables]\nx = {}",
            "traffic.variables.x: expected exactly one of range, sequence, unique and choice",
        ),
        (
            OLD + "[traffic.variables]\nx = {unique = true, sequence = [1, 1]}",
            "traffic.variables.x: expected exactly one of",
        ),
        (
            OLD + "[traffic.variables]\nx = {choice = []}",
            "traffic.variables.x: expected a choice of at least",
        ),
        (OLD + '[traffic.variables]\n"a b" = {unique = true}', "expected a name of letters, digits and _"),
        (
            OLD + '[[traffic.mix]]\nbody = "x"\njson = 1',
            "traffic.mix[0].json: a request has body or json, not both",
        ),
        (
            OLD + '[traffic.variables]\npage = {unique = true}\n[[traffic.mix]]\npath = "/{pge}"',
            'traffic.mix[0].path: there is no variable "pge"; did you mean "page"?',
        ),
        (
            OLD + '[[traffic.mix]]\npath = "/{page}"',
            'traffic.mix[0].path: there is no variable "page"; say in [traffic.variables] what it is',
        ),
        (OLD + "[[traffic.mix]]\njson = {at = 2024-01-01}", "traffic.mix[0].json: holds a date, a time"),
        (OLD + "[[traffic.mix]]\njson = [nan]", "traffic.mix[0].json: holds a date, a time, inf or nan"),
        (
            'phases = [{executor = "constant", users = 1}, {executor = "constant", users = 1}]',
            "traffic.phases[0]: missing a duration; only the last phase may go on without an end",
        ),
        ("phases = []", "traffic.phases: expected at least one [[traffic.phases]]"),
        ("phases = [{users = 1}]", 'traffic.phases[0].executor: missing; expected "burst"'),
        (
            'phases = [{executor = "constant", users = 1, phases = []}]',
            "traffic.phases[0].phases: a phase has no phases of its own",
        ),
        (
            'rate = 5\nphases = [{executor = "constant", users = 1}]',
            'traffic.rate: unknown key; expected "timeout", "seed", "keep_alive"',
        ),
    ],
)
def test_a_wrong_key_is_told_with_the_mend(folder: Write, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(folder((OLD, text + "\n")))
    assert message in str(caught.value)
