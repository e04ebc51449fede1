"""Every mistake in a scenario file has one message: file, key, what was expected, and the mend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.scenario import ScenarioError, load
from looplab.scenario.loader import FILE

Write = Callable[..., Path]

CASES = [
    # the file as a whole
    ('title = "Two ways"', "title = ", "line 2, column 9: not valid TOML: invalid value"),
    ('until = "loop.lag_ms > 500"', "until = [1,", "end of the file: not valid TOML: invalid value"),
    ('title = "Two ways"', "", "title: missing; expected a text"),
    ('title = "Two ways"', 'title = ""', 'title: expected a text, got ""'),
    ('title = "Two ways"', "title = 7", "title: expected a text, got 7"),
    ('question = "Which one?"', 'queston = "Which one?"', 'queston: unknown key; did you mean "question"?'),
    (
        'title = "Two ways"',
        'title = "T"\nxyz = 1',
        'xyz: unknown key; expected "title", "question", "source", "notes", "knobs", "variants", "services", '
        '"facts", "traffic", "claims", "steps" or "article"',
    ),
    # knobs
    ("step = 0.05", "", "knobs.delay.step: missing; expected a number above 0"),
    ("step = 0.05", "step = 0", "knobs.delay.step: expected a number above 0, got 0"),
    ("step = 0.05", "step = nan", "knobs.delay.step: expected a number above 0, got nan"),
    ("max = 3.0", "max = inf", "knobs.delay.max: expected a number, got inf"),
    ("max = 3.0", 'max = "3"', 'knobs.delay.max: expected a number, got "3"'),
    ("max = 3.0", "max = true", "knobs.delay.max: expected a number, got true"),
    ("max = 3.0", "max = 0.001", "knobs.delay.min: expected at most max (0.001), got 0.01"),
    (
        "default = 0.1",
        "default = 4",
        "knobs.delay.default: expected a number from min to max (0.01 to 3), got 4",
    ),
    ("default = 0.1", "defualt = 0.1", 'knobs.delay.defualt: unknown key; did you mean "default"?'),
    (
        "[knobs.delay]",
        "[knobs.Delay]",
        "knobs.Delay: expected a name of small letters, digits and _, such as [knobs.delay]",
    ),
    (
        "[knobs.delay]",
        "[knobs.users]",
        'knobs.users: "users" is a setting of the traffic; name the knob otherwise',
    ),
    # variants
    (
        'id = "def"',
        'id = "one-way"',
        'variants[1].id: "one-way" is already the id of variants[0]; give each its own',
    ),
    (
        'id = "def"',
        'id = "One Way"',
        'variants[1].id: expected small letters, digits and single hyphens, got "One Way"',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nserver = "uvcorn"',
        'variants[1].server: "uvcorn" is not a server; did you mean "uvicorn"?',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nserver = "nginx"',
        'variants[1].server: "nginx" is not a server; expected "uvicorn" or "gunicorn"',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nloop = "trio"',
        'variants[1].loop: "trio" is not an event loop; expected "auto", "asyncio" or "uvloop"',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nworkers = 0',
        "variants[1].workers: expected a whole number from 1 to 64, got 0",
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nworkers = 1.5',
        "variants[1].workers: expected a whole number from 1 to 64, got 1.5",
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nthreads = 4',
        'variants[1].threads: belongs to server "gunicorn", and this one is "uvicorn"',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nworker_connections = 4',
        'variants[1].worker_connections: belongs to server "gunicorn", and this one is "uvicorn"',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nserver = "gunicorn"\nloop = "uvloop"',
        'variants[1].loop: belongs to server "uvicorn", and this one is "gunicorn"',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nserver = "gunicorn"\nthreads = 0',
        "variants[1].threads: expected a whole number from 1 to 256, got 0",
    ),
    (
        'app = "app:two"',
        'app = "app:two"\ninstances = 17',
        "variants[1].instances: expected a whole number from 1 to 16, got 17",
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nserver = "gunicorn"\nthreads = 4\nworker_connections = "many"',
        'variants[1].worker_connections: expected a whole number from 1 to 100000, got "many"',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nserver = "gunicorn"\nworker_connections = 4',
        "variants[1].worker_connections: expected threads of at least 2 beside it:"
        " one thread has one connection",
    ),
    (
        'app = "app:two"',
        'app = "app:two"\nserver = "gunicorn"\nthreads = 4\nworker_connections = 3',
        "variants[1].worker_connections: expected at least one for each thread (4), got 3",
    ),
    ('app = "app:two"', "", 'variants[1].app: missing; expected "module:attribute", such as "app:app"'),
    (
        'app = "app:two"',
        'app = "app.py"',
        'variants[1].app: expected "module:attribute", such as "app:app", got "app.py"',
    ),
    ('app = "app:two"', 'app = "app:twoo"', 'variants[1].app: app.py defines no "twoo"; did you mean "two"?'),
    (
        'app = "app:two"',
        'app = "web:two"',
        'variants[1].app: there is no module "web" here; expected web.py',
    ),
    (
        'app = "app:two"',
        'app = "web.main:two"',
        'variants[1].app: there is no module "web.main" here; expected web/main.py',
    ),
    (
        'shows = "read_one"',
        'shows = "raed_one"',
        'variants[0].shows: app.py has no function "raed_one"; did you mean "read_one"?',
    ),
    # traffic
    (
        'executor = "burst"',
        "",
        'traffic.executor: missing; expected "burst", "constant", "ramping", '
        '"arrival-rate", "ramping-arrival-rate", "websocket", "stream" or "upload"',
    ),
    (
        'executor = "burst"',
        'executor = "brust"',
        'traffic.executor: "brust" is not an executor; did you mean "burst"?',
    ),
    (
        'executor = "burst"',
        "executor = 3",
        'traffic.executor: 3 is not an executor; expected "burst", "constant", "ramping", '
        '"arrival-rate", "ramping-arrival-rate", "websocket", "stream" or "upload"',
    ),
    ("requests = 20", "", "traffic.requests: missing; expected a whole number from 1 to 1000000"),
    ("requests = 20", "requests = 5", "traffic.concurrency: expected at most requests (5), got 10"),
    ("requests = 20", "requests = -1", "traffic.requests: expected a whole number from 1 to 1000000, got -1"),
    (
        "requests = 20",
        "requests = 20\nusers = 3",
        'traffic.users: belongs to executor "constant", and this one is "burst"',
    ),
    (
        "requests = 20",
        'requests = 20\nmax_duration = "15 lightyears"',
        'traffic.max_duration: expected a duration, such as "15s", "200ms" or 1.5 seconds, '
        'got "15 lightyears"',
    ),
    (
        "requests = 20",
        "requests = 20\nmax_duration = -1",
        'traffic.max_duration: expected a duration, such as "15s", "200ms" or 1.5 seconds, got -1',
    ),
    (
        "requests = 20",
        "requests = 20\nmix = 3",
        "traffic.mix: expected a list of tables ([[traffic.mix]]), got 3",
    ),
    (
        "[[claims]]",
        '[[traffic.mix]]\npath = "books"\n[[claims]]',
        'traffic.mix[0].path: expected a path that begins with "/", without spaces, got "books"',
    ),
    (
        "[[claims]]",
        "[[traffic.mix]]\n[[traffic.mix]]\nweight = 0\n[[claims]]",
        "traffic.mix[1].weight: expected a number above 0, got 0",
    ),
    (
        "[[claims]]",
        "[[traffic.mix]]\nexpect = [200, 7]\n[[claims]]",
        "traffic.mix[0].expect[1]: expected a status from 100 to 599, got 7",
    ),
    (
        "[[claims]]",
        '[[traffic.mix]]\nheaders = {"X-Looplab-Id" = "1"}\n[[claims]]',
        "traffic.mix[0].headers.X-Looplab-Id: expected the name of a header other than x-looplab-id",
    ),
    (
        "[[claims]]",
        '[[traffic.mix]]\nheaders = {a = "x\\r\\nb: y"}\n[[claims]]',
        "traffic.mix[0].headers: expected a table of one-line ASCII texts, got a table",
    ),
    (
        'app = "app:two"',
        'app = "app:two"\ntraffic = {requests = 2}',
        "variants[1].traffic.concurrency: expected at most requests (2), got 10",
    ),
    (
        'app = "app:two"',
        'app = "app:two"\ntraffic = {reqests = 2}',
        'variants[1].traffic.reqests: unknown key; did you mean "requests"?',
    ),
    (
        'app = "app:two"',
        'app = "app:two"\ntraffic = {executor = "constant"}',
        "variants[1].traffic.users: missing; expected a whole number from 1 to 10000",
    ),
    ('app = "app:two"', 'app = "app:two"\ntraffic = 3', "variants[1].traffic: expected a table, got 3"),
    # claims
    (
        'op = ">="',
        'op = "=>"',
        'claims[0].op: "=>" is not a comparison; expected ">=", "<=", ">", "<" or "=="',
    ),
    (
        'left = "one-way.rps"',
        'left = "oneway.rps"',
        'claims[0].left: "oneway.rps": there is no variant "oneway"; did you mean "one-way"?',
    ),
    (
        'left = "one-way.rps"',
        'left = "one-way.rqs"',
        'claims[0].left: "one-way.rqs": a RUN has no number "rqs"; did you mean "rps"?',
    ),
    (
        'right = "2 * def.rps"',
        'right = "2 * dealy"',
        'claims[0].right: "dealy" is neither a knob nor a setting of the traffic; did you mean "delay"?',
    ),
    (
        'right = "2 * def.rps"',
        'right = "2 *"',
        'claims[0].right: "2 *": ends too early; expected a number or a name',
    ),
    ('right = "2 * def.rps"', 'right = "2 2"', 'claims[0].right: "2 2": unexpected "2" at column 3'),
    ('right = "2 * def.rps"', 'right = "2; 3"', 'claims[0].right: "2; 3": unexpected ";" at column 2'),
    (
        'right = "2 * def.rps"',
        'right = "def.by_name.rot.ok"',
        'claims[0].right: "def.by_name.rot.ok": there is no request "rot" in the traffic; '
        'did you mean "root"?',
    ),
    ('right = "2 * def.rps"', 'right = "(2"', 'claims[0].right: "(2": expected ")" at its end'),
    (
        'right = "2 * def.rps"',
        'right = "open(2)"',
        'claims[0].right: "open(2)": "open" is not a function; expected "min", "max", "ceil" or "abs"',
    ),
    (
        'right = "2 * def.rps"',
        'right = "max(2)"',
        'claims[0].right: "max(2)": max takes at least two numbers, got 1',
    ),
    # steps
    ('say = "Which one?"', "", "steps[0].say: missing; expected a text"),
    (
        'until = "loop.lag_ms > 500"',
        'until = "loop.lag > 500"',
        'steps[0].until: "loop.lag" is not a state; did you mean "loop.lag_ms"?',
    ),
    (
        'until = "loop.lag_ms > 500"',
        'until = "loop.lag_ms"',
        'steps[0].until: "loop.lag_ms": compares nothing; expected ">=", "<=", ">", "<" or "==" in it',
    ),
    (
        'until = "loop.lag_ms > 500"',
        'variant = "oneway"',
        'steps[0].variant: there is no variant "oneway"; did you mean "one-way"?',
    ),
    (
        'until = "loop.lag_ms > 500"',
        "knobs = {delay = 9}",
        "steps[0].knobs.delay: expected a number from 0.01 to 3, got 9",
    ),
    (
        'until = "loop.lag_ms > 500"',
        "knobs = {dealy = 1}",
        'steps[0].knobs.dealy: there is no knob "dealy"; did you mean "delay"?',
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), CASES)
def test_a_mistake_is_told_with_file_key_and_mend(folder: Write, old: str, new: str, message: str) -> None:
    path = folder((old, new))
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert str(caught.value) == f"mine/{FILE}: {message}"


def test_a_good_file_loads(folder: Write) -> None:
    scenario = load(folder())
    assert scenario.id == "mine"
    assert [variant.id for variant in scenario.variants] == ["one-way", "def"]
    assert scenario.knobs["delay"].variable == "LAB_DELAY"
    assert (scenario.traffic.requests, scenario.traffic.concurrency) == (20, 10)
    assert scenario.app_file(scenario.variants[0]) == scenario.folder / "app.py"
    assert scenario.variant("def").title == "Two"
    with pytest.raises(ScenarioError, match='mine has no variant "oneway"; did you mean "one-way"'):
        scenario.variant("oneway")


@pytest.mark.parametrize(
    ("text", "seconds"), [('"15s"', 15.0), ('"200ms"', 0.2), ('"2min"', 120.0), ("1.5", 1.5), ("3", 3.0)]
)
def test_durations_are_read_in_every_unit(folder: Write, text: str, seconds: float) -> None:
    scenario = load(folder(("requests = 20", f"requests = 20\nmax_duration = {text}")))
    assert scenario.traffic.max_duration == pytest.approx(seconds)


def test_a_variant_changes_single_keys_of_the_traffic(folder: Write) -> None:
    scenario = load(folder(('app = "app:two"', 'app = "app:two"\ntraffic = {requests = 40}')))
    plan = scenario.variant("def").traffic
    assert plan is not None
    assert (plan.requests, plan.concurrency) == (40, 10)
    assert scenario.variant("one-way").traffic is None


def test_a_variant_with_another_executor_takes_over_common_keys_only(folder: Write) -> None:
    own = 'traffic = {executor = "constant", users = 3}'
    scenario = load(
        folder(
            ("requests = 20", "requests = 20\ntimeout = 2"), ('app = "app:two"', f'app = "app:two"\n{own}')
        )
    )
    plan = scenario.variant("def").traffic
    assert plan is not None
    assert (plan.executor, plan.users, plan.requests, plan.timeout) == ("constant", 3, 0, 2.0)


def test_a_nested_function_may_be_shown(folder: Write) -> None:
    assert load(folder(('shows = "read_one"', 'shows = "nested"'))).variants[0].shows == "nested"


def test_an_app_with_a_syntax_error_is_left_to_the_server_to_report(folder: Write) -> None:
    """The lab shows the interpreter's own words, and the scenario can be started again once it is mended."""
    assert load(folder(app="def broken(:\n")).variants


@pytest.mark.parametrize(
    "app",
    [
        "one = two = None\n",
        "one, two = make()\n",
        "one: object = None\nclass two: ...\n",
        "import a as one\nfrom b import c as two\n",
        "try:\n    from a import one, two\nexcept ImportError:\n    pass\n",
        "try:\n    import a\nexcept ImportError:\n    one = 1\n    def two(): ...\n",
        "if a:\n    pass\nelse:\n    async def one(): ...\n    with b as two:\n        pass\n",
        "from a import *\n",
    ],
)
def test_an_app_may_be_made_in_any_way(folder: Write, app: str) -> None:
    assert load(folder(('shows = "read_one"\n', ""), app=app)).variants


@pytest.mark.parametrize("app", ["one = 1\ndef make():\n    two = 1\n", "one = 1\nprint(two)\n"])
def test_a_name_that_the_module_does_not_bind_is_no_app(folder: Write, app: str) -> None:
    with pytest.raises(ScenarioError, match=r'app\.py defines no "two"'):
        load(folder(('shows = "read_one"\n', ""), app=app))


def test_an_app_may_be_a_package(folder: Write) -> None:
    path = folder(('app = "app:two"', 'app = "web:two"'))
    (path / "web").mkdir()
    (path / "web" / "__init__.py").write_text("from app import one as two\n")
    scenario = load(path)
    assert scenario.app_file(scenario.variant("def")) == path / "web" / "__init__.py"


def test_a_scenario_without_variants_or_traffic_is_refused(folder: Write) -> None:
    path = folder()
    head = 'title = "T"\nquestion = "Q"\n'
    (path / FILE).write_text(head + '[traffic]\nexecutor = "constant"\nusers = 1\n')
    with pytest.raises(ScenarioError, match=r"variants: missing; expected at least one \[\[variants\]\]"):
        load(path)
    (path / FILE).write_text(head)
    with pytest.raises(ScenarioError, match="traffic: missing; expected a table with an executor"):
        load(path)


def test_a_file_that_is_no_text_is_named(folder: Write) -> None:
    path = folder()
    (path / FILE).write_bytes(b'title = "\xff"')
    with pytest.raises(ScenarioError, match=r"mine/scenario.toml: not UTF-8 \(byte 9\); save it as UTF-8"):
        load(path)
    (path / FILE).unlink()
    (path / FILE).mkdir()
    with pytest.raises(ScenarioError, match=r"mine/scenario.toml: cannot be read: Is a directory"):
        load(path)


def test_a_file_elsewhere_is_named_with_its_whole_path(
    folder: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder(('title = "Two ways"', ""))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert str(caught.value) == f"{path / FILE}: title: missing; expected a text"
