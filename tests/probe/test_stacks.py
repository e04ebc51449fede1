"""Which files are the user's code."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from looplab.probe.stacks import UsersCode

PURELIB = sysconfig.get_paths()["purelib"]
STDLIB = sysconfig.get_paths()["stdlib"]
ON_BOARD = f"{PURELIB}/looplab/_scenarios/hello"
VENV = str(Path(PURELIB).parents[2])
TWO = f"{VENV}:{PURELIB}/datasette"


@pytest.mark.parametrize(
    ("root", "file", "users"),
    [
        pytest.param("/home/a/shop", "/home/a/shop/app.py", True, id="below the root"),
        pytest.param("/home/a/shop", "/home/a/shop/views/cart.py", True, id="deeper"),
        pytest.param("/home/a/shop", "/home/a/shopping/app.py", False, id="a neighbour"),
        pytest.param("/home/a/shop", "/home/a/shop/.venv/lib/site-packages/x.py", False, id="a library"),
        pytest.param("/home/a/shop", "<string>", False, id="no file"),
        pytest.param("/home/a/shop", f"{STDLIB}/asyncio/tasks.py", False, id="standard library"),
        pytest.param(VENV, f"{PURELIB}/starlette/routing.py", False, id="root around the libraries"),
        pytest.param(VENV, f"{VENV}/app.py", True, id="beside the libraries"),
        pytest.param(ON_BOARD, f"{ON_BOARD}/app.py", True, id="a scenario of an installed looplab"),
        pytest.param(ON_BOARD, f"{PURELIB}/starlette/routing.py", False, id="a library beside it"),
        pytest.param(f"{PURELIB}/app.py", f"{PURELIB}/app.py", True, id="an installed module"),
        pytest.param("/home/a/shop", "/home/a/shop/templates/cart.html", False, id="a template"),
        pytest.param("/home/a/shop", "/home/a/shop/bin/serve", True, id="a script"),
        pytest.param(TWO, f"{VENV}/app.py", True, id="the first of two"),
        pytest.param(TWO, f"{PURELIB}/datasette/app.py", True, id="an installed app, below both"),
        pytest.param(TWO, f"{PURELIB}/starlette/routing.py", False, id="a library beside an installed app"),
    ],
)
def test_a_file_is_the_users_by_its_place_below_the_root(root: str, file: str, users: bool) -> None:
    assert UsersCode(root).file(file)[1] is users
