"""An app of one's own: its scenario, its traffic from a few words, its kind where the text says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from looplab.scenario import Own, ScenarioError, own_app, own_traffic, plan_for, read_traffic, traffic_text
from looplab.scenario.kinds import kind_of
from looplab.scenario.own import get, request


def test_an_app_is_a_scenario_with_one_variant_that_needs_no_file(tmp_path: Path) -> None:
    scenario = own_app("shop.web:app", folder=tmp_path, server="gunicorn", workers=2, own=Own(reload=True))
    [variant] = scenario.variants
    assert (scenario.id, scenario.title, scenario.folder) == ("shop.web:app", "shop.web:app", tmp_path)
    assert (variant.id, variant.title, variant.workers) == ("gunicorn", tmp_path.name, 2)
    assert variant.own is not None
    assert variant.own.reload
    assert plan_for(scenario, variant, {"users": 3, "duration": "2s"}).users == 3


def test_the_code_is_that_of_the_folder_unless_the_app_is_installed(tmp_path: Path) -> None:
    plain = own_app("main:app", folder=tmp_path)
    assert plain.app_file(plain.variants[0]) == tmp_path / "main.py"
    elsewhere = own_app("httpbin:app", folder=tmp_path, own=Own(source="/env/httpbin/__init__.py"))
    assert elsewhere.app_file(elsewhere.variants[0]) == Path("/env/httpbin/__init__.py")


@pytest.mark.parametrize(
    ("app", "settings", "words"),
    [
        ("main", {}, '"main" names no app; expected MODULE:APP, such as main:app'),
        ("main.py:app[0]", {}, "expected MODULE:APP"),
        ("main:create_app()", {}, '"main:create_app()" is a call; write main:create_app and add --factory'),
        ("main:app", {"server": "unicorn"}, '"unicorn" is not a server; did you mean "gunicorn"?'),
        ("main:app", {"loop": "uvlop"}, 'did you mean "uvloop"?'),
        ("main:app", {"folder": Path("/not/there")}, "/not/there: no such folder"),
    ],
)
def test_what_cannot_be_an_app_is_told_with_its_mend(app: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(ScenarioError) as error:
        own_app(app, **settings)  # type: ignore[arg-type]
    assert words in str(error.value)


def test_requests_are_written_in_one_line() -> None:
    assert (get("/items/1?q=2").name, get("/items/1").method) == ("/items/1?q=2", "GET")
    plain = request("POST /items name=a")
    assert (plain.weight, plain.name, plain.body, plain.json) == (1, "POST /items", "name=a", None)
    weighed = request('2.5 PUT /items/7 {"name": "a b"}')
    assert (weighed.weight, weighed.method, weighed.json) == (2.5, "PUT", {"name": "a b"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/items", "expected [WEIGHT] METHOD PATH [BODY]"),
        ("3", "expected [WEIGHT] METHOD PATH [BODY]"),
        ("get /", "a method is GET, HEAD"),
        ("GET items", 'expected a path of ASCII that begins with /, got "items"'),
        ("GET /ä", "expected a path of ASCII"),
        ("GET /{item}", "nobody knows what {item} stands for"),
        ("0 GET /", "expected a weight above 0"),
    ],
)
def test_a_request_that_is_none_is_told(text: str, words: str) -> None:
    with pytest.raises(ScenarioError) as error:
        request(text)
    assert words in str(error.value)


def test_users_ask_unless_a_rate_is_given() -> None:
    plan = own_traffic()
    assert (plan.executor, plan.users, [spec.path for spec in plan.mix]) == ("constant", 10, ["/"])
    assert own_traffic(rate=5).is_open
    with_headers = own_traffic([get("/a")], headers={"authorization": "Bearer x"})
    assert with_headers.mix[0].headers == {"authorization": "Bearer x"}


@pytest.mark.parametrize(
    "text",
    [
        '[traffic]\nexecutor = "constant"\nusers = 7\nthink = "200ms"\n',
        '[traffic]\nexecutor = "burst"\nrequests = 30\nconcurrency = 3\n',
        '[traffic]\nexecutor = "ramping"\nstages = [{target = 5, duration = "3s"}]\n',
        '[traffic]\nexecutor = "arrival-rate"\nrate = 12.5\narrivals = "poisson"\n',
    ],
)
def test_what_is_written_is_read_again(tmp_path: Path, text: str) -> None:
    mix = '[[traffic.mix]]\nname = "a \\"b\\""\nmethod = "POST"\npath = "/a"\nexpect = [201]\n'
    first = tmp_path / "first.toml"
    first.write_text(text + mix + 'headers = {x = "1"}\nbody = "{\\"a\\": null}"\n')
    plan = read_traffic(first)
    again = tmp_path / "again.toml"
    again.write_text(traffic_text(plan))
    assert read_traffic(again) == plan


def test_json_becomes_a_body_of_its_type(tmp_path: Path) -> None:
    file = tmp_path / "traffic.toml"
    file.write_text(traffic_text(own_traffic([request('POST /a {"name": null, "é": [1]}')])))
    [spec] = read_traffic(file).mix
    assert spec.body == '{"name": null, "é": [1]}'
    assert spec.headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "traffic.toml: traffic: missing"),
        ('title = "a"\n[traffic]\nexecutor = "burst"\n', 'title: a traffic file has one table, "traffic"'),
        (
            '[traffic]\nexecutor = "brust"\n',
            'traffic.executor: "brust" is not an executor; did you mean "burst"?',
        ),
    ],
)
def test_a_wrong_traffic_file_is_told_as_a_scenario_is(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "traffic.toml"
    file.write_text(text)
    with pytest.raises(ScenarioError) as error:
        read_traffic(file)
    assert words in str(error.value)


def test_traffic_that_stands_in_a_file_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "traffic.toml"
    file.write_text(
        '[traffic]\nexecutor = "constant"\nusers = 1\n[traffic.variables]\nid = {range = [1, 2]}\n'
        '[[traffic.mix]]\nname = "a"\npath = "/{id}"\n'
    )
    with pytest.raises(ScenarioError, match="phases or variables"):
        traffic_text(read_traffic(file))


FACTORY = """\
def make(config=None):
    from flask import Flask
    made = Flask(__name__)
    return made
"""


def test_the_kind_of_what_a_factory_makes_is_read_without_an_import(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text(FACTORY + "def other(): return wrap(make())\n")
    assert kind_of(file, "make", factory=True) == "wsgi"
    assert kind_of(file, "make") is None
    assert kind_of(file, "other", factory=True) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("from fastapi import FastAPI\napp = FastAPI(title='a')\n", "asgi"),
        ("import fastapi as f\napp: f.FastAPI = f.FastAPI()\n", "asgi"),
        ("from starlette.applications import Starlette as S\napp = S()\n", "asgi"),
        ("from flask import Flask\napp = Flask(__name__)\n", "wsgi"),
        ("from django.core.wsgi import get_wsgi_application\napp = get_wsgi_application()\n", "wsgi"),
        ("from django.core.asgi import get_asgi_application\napp = get_asgi_application()\n", "asgi"),
        ("from flask import Flask\napp = Flask(__name__)\napp = wrap(app)\n", None),
        ("from flask import Flask\nif 1:\n    app = Flask(__name__)\n", None),
        ("from shop import FastAPI\napp = FastAPI()\n", None),
        ("from shop import make\napp = make()\n", None),
        ("app = FastAPI(\n", None),
        ("async def app(scope, receive, send): ...\n", "asgi"),
        ("def app(environ, start_response, *, more=1): ...\n", "wsgi"),
        ("@wrapped\ndef app(environ, start_response): ...\n", None),
        ("def app(*anything): ...\n", None),
        (FACTORY + "app = make()\n", "wsgi"),
        (FACTORY.replace("return made", "made = wrap(made)\n    return made") + "app = make()\n", None),
        (FACTORY.replace("return made", "return wrap(made)") + "app = make()\n", None),
        (FACTORY + "def make(): ...\napp = make()\n", None),
    ],
)
def test_the_kind_is_read_only_where_the_text_leaves_no_doubt(
    tmp_path: Path, text: str, kind: str | None
) -> None:
    file = tmp_path / "app.py"
    file.write_text(text)
    assert kind_of(file, "app") == kind
