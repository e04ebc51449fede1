"""A person's own app: its interpreter, what that is lent, its server, and which code is the person's."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import msgspec
import pytest

import looplab
from looplab.scenario import Own, ScenarioError
from looplab.servers.commands import ServerSpec, command, environment
from looplab.servers.interpreter import Interpreter, choose, lend
from looplab.servers.own import settle
from looplab.servers.passed import refused

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
MINE = {"looplab": looplab.__version__, "msgspec": msgspec.__version__}


def told(**changes: object) -> Interpreter:
    given = {"path": "/env/bin/python", "version": "3.11.7", "suffix": SUFFIX, "packages": MINE}
    return Interpreter(**{**given, **changes})  # type: ignore[arg-type]


def spec(own: Own, **changes: object) -> ServerSpec:
    given = {"run": 1, "app": "main:app", "root": Path("/shop"), "socket_path": Path("/run/lab.sock")}
    return ServerSpec(**{**given, **changes}, own=own)  # type: ignore[arg-type]


def venv(folder: Path) -> Path:
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


def test_the_interpreter_is_the_one_asked_for_then_the_active_one_then_that_of_the_folder(
    tmp_path: Path,
) -> None:
    asked, active, beside = (venv(tmp_path / name) for name in ("asked", "active", "shop/.venv"))
    shop, shell = tmp_path / "shop", {"VIRTUAL_ENV": str(tmp_path / "active")}
    assert choose(asked, shop, shell) == str(asked)
    assert choose(tmp_path / "asked", shop, shell) == str(asked)
    assert choose(shop / ".." / "asked", shop, shell) == str(asked)
    assert choose(None, shop, shell) == str(active)
    assert choose(None, shop, {}) == str(beside)
    assert choose(None, tmp_path, {}) == ""
    assert choose(Path(sys.executable), shop, {}) == ""
    with pytest.raises(ScenarioError, match="no interpreter; expected one, or a virtual environment"):
        choose(tmp_path, shop, {})


@pytest.mark.parametrize(
    ("packages", "lent"),
    [
        (MINE, ()),
        ({}, ("looplab", "msgspec")),
        ({"msgspec": "0.19.0"}, ("looplab",)),
        # Somebody's own build has no version.
        ({"looplab": "", "msgspec": ""}, ()),
    ],
)
def test_an_interpreter_of_the_same_kind_is_lent_what_it_lacks(
    packages: dict[str, str], lent: tuple[str, ...]
) -> None:
    assert told(packages=packages).lent() == lent


def test_another_python_with_its_own_msgspec_is_lent_looplab_which_is_no_c_code() -> None:
    assert told(packages={"msgspec": "0.19.0"}, version="3.13.0", suffix=".cpython-313-x.so").lent() == (
        "looplab",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"packages": {}, "suffix": ".pypy312.so", "version": "3.12.1"},
            "/env/bin/python is Python 3.12.1 and has no msgspec",
        ),
        ({"packages": {"msgspec": "0.18.6"}}, "has msgspec 0.18.6, and looplab needs 0.19 or later"),
        ({"packages": {**MINE, "looplab": "0.0.9"}}, "has looplab 0.0.9, and this is"),
    ],
)
def test_one_that_cannot_be_lent_anything_is_told_what_to_install(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ScenarioError) as error:
        told(**changes).lent()
    assert words in str(error.value)
    assert "/env/bin/python -m pip install " in str(error.value)


def test_a_python_that_is_too_old_is_told() -> None:
    with pytest.raises(
        ScenarioError, match=r"is Python 3\.9\.2, and looplab needs 3\.11 or later; give another"
    ):
        told(version="3.9.2").lent()


def test_a_server_that_is_missing_is_told_with_its_mend() -> None:
    told(packages={**MINE, "uvicorn": "0.50"}).check("uvicorn")
    with pytest.raises(
        ScenarioError, match="no gunicorn, which serves the app; /env/bin/python -m pip install"
    ):
        told().check("gunicorn")


def test_what_is_lent_is_all_that_the_probe_needs(tmp_path: Path) -> None:
    lend(("looplab", "msgspec"), tmp_path / "lent")
    lend(("looplab", "msgspec"), tmp_path / "lent")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOOPLAB_")}
    found = subprocess.run(
        [sys.executable, "-S", "-c", "import looplab.probe.asgi, sys; print(looplab.__file__)"],
        env={
            **kept,
            "PYTHONPATH": str(tmp_path / "lent"),
            "LOOPLAB_APP": "json:dumps",
            "LOOPLAB_SOCKET": "/no",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(str(tmp_path / "lent" / "looplab"))


@pytest.mark.parametrize(
    ("server", "arguments", "words"),
    [
        ("uvicorn", ["--env-file", ".env", "--root-path=/a", "--http", "h11"], ""),
        ("gunicorn", ["--preload", "-e", "A=1", "--timeout", "90"], ""),
        ("uvicorn", ["--host", "0.0.0.0"], "uvicorn cannot have --host here: the lab makes the socket"),
        ("uvicorn", ["--log-level=debug", "--port=80"], "--port here"),
        ("uvicorn", ["--lifespan", "off"], "--lifespan here"),
        ("gunicorn", ["-b0.0.0.0:80"], "gunicorn cannot have -b here"),
        ("gunicorn", ["-w", "4"], "say it before --, as --workers"),
        ("gunicorn", ["--config=mine.py"], "--config here"),
    ],
)
def test_arguments_go_to_the_server_but_for_those_that_take_it_from_the_lab(
    server: str, arguments: list[str], words: str
) -> None:
    said = refused(server, arguments)
    assert words in said
    assert bool(said) == bool(words)


def test_the_command_line_is_that_of_the_apps_own_interpreter() -> None:
    own = Own(python="/env/bin/python", app_dir="/shop/src", reload=True, arguments=("--root-path", "/a"))
    line = command(spec(own), 7)
    assert line[:5] == ["/env/bin/python", "-P", "-m", "uvicorn", "looplab.probe.asgi:app"]
    assert line[line.index("--app-dir") + 1] == "/shop/src"
    assert line[-3:] == ["--reload", "--root-path", "/a"]
    assert "--workers" not in line


def test_gunicorn_serves_either_kind() -> None:
    wsgi = command(spec(Own(interface="wsgi", app_dir="/shop/src"), server="gunicorn", threads=4), 7)
    assert wsgi[4] == "looplab.probe.wsgi:app"
    assert wsgi[wsgi.index("--threads") + 1] == "4"
    assert wsgi[wsgi.index("--pythonpath") + 1] == "/shop/src"
    asgi = command(spec(Own(), server="gunicorn"), 7)
    assert asgi[4] == "looplab.probe.asgi:app"
    assert asgi[asgi.index("--worker-class") + 1] == "uvicorn.workers.UvicornWorker"


def test_the_shells_environment_is_kept_but_for_what_changes_the_server() -> None:
    shell = {"DATABASE_URL": "x", "LAB_MODE": "own", "UVICORN_PORT": "1", "PYTHONPATH": "/mine"}
    own = Own(lent=("msgspec",), roots=("/env/datasette",), factory=True, reload=True)
    kept = environment(spec(own), shell)
    assert (kept["DATABASE_URL"], kept["LAB_MODE"]) == ("x", "own")
    assert "UVICORN_PORT" not in kept
    assert kept["PYTHONPATH"] == "/mine:/run/lent"
    assert kept["LOOPLAB_ROOT"] == "/shop:/env/datasette"
    assert (kept["LOOPLAB_FACTORY"], kept["LOOPLAB_RELOAD"]) == ("1", "1")
    assert environment(spec(Own()), shell)["PYTHONPATH"] == "/mine"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


def test_what_the_text_says_needs_no_import(tmp_path: Path) -> None:
    write(tmp_path, main="from flask import Flask\nimport not_there_at_all\napp = Flask(__name__)\n")
    server, own = settle("main:app", Own(), folder=tmp_path, environment={})
    assert (server, own.interface, own.source) == ("gunicorn", "wsgi", str(tmp_path / "main.py"))


def test_an_app_is_imported_where_its_text_leaves_a_doubt(tmp_path: Path) -> None:
    write(
        tmp_path,
        main="from other import make\napp = make()\nprint('x' * 10_000_000)\n",
        other="def make():\n    def app(environ, start_response): ...\n    return app\n",
    )
    server, own = settle("main:app", Own(), folder=tmp_path, packages=["json"], environment={})
    assert (server, own.interface) == ("gunicorn", "wsgi")
    assert [Path(root).name for root in own.roots] == ["json"]


def test_one_that_cannot_be_imported_is_started_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, main="app = make()\n")
    server, own = settle("main:app", Own(), folder=tmp_path, environment={})
    assert (server, own.interface) == ("uvicorn", "asgi")


def test_one_that_nobody_knows_gets_the_only_server_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, main="app = make()\n")
    only = told(packages={**MINE, "gunicorn": "24.1"})
    monkeypatch.setattr("looplab.servers.own.ask", lambda python, **asked: only)
    server, own = settle("main:app", Own(), folder=tmp_path, environment={})
    assert (server, own.interface) == ("gunicorn", "wsgi")


@pytest.mark.parametrize(
    ("app", "text", "settings", "words"),
    [
        ("mian:app", "app = 1\n", {}, 'no module "mian" in'),
        ("main:ap", "app = 1\n", {}, 'main.py defines no "ap"; did you mean "app"?'),
        (
            "main:make",
            "def make(): ...\n",
            {},
            "main:make is a function without arguments; if it makes the app",
        ),
        (
            "main:app",
            "from flask import Flask\napp = Flask('a')\n",
            {"server": "uvicorn"},
            "main:app is a WSGI app, which uvicorn cannot serve",
        ),
        ("main:app", "async def app(a, b, c): ...\n", {"packages": ["not_there"]}, "--own not_there: "),
    ],
)
def test_what_cannot_run_is_told_before_anything_starts(
    tmp_path: Path, app: str, text: str, settings: dict[str, str], words: str
) -> None:
    write(tmp_path, main=text)
    with pytest.raises(ScenarioError) as error:
        settle(app, Own(), folder=tmp_path, environment={}, **settings)  # type: ignore[arg-type]
    assert words in str(error.value)
