"""What an application is, told from the object, and what the entry says of one of the wrong kind."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask

from looplab.probe.examine import kind, made


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def decorated(scope: Any, receive: Any, send: Any) -> Any: ...


def wsgi(environ: Any, start_response: Any) -> Any: ...


def maker(settings: Any = None) -> Any: ...


def anything(*arguments: Any) -> Any: ...


def makes_asgi() -> FastAPI: ...  # type: ignore[empty-body]


def makes_wsgi() -> Flask: ...  # type: ignore[empty-body]


class Double:
    def __call__(self, scope: Any) -> Any: ...


@pytest.mark.parametrize(
    ("app", "found"),
    [
        (FastAPI(), "asgi"),
        (Flask("shop"), "wsgi"),
        (asgi, "asgi"),
        (decorated, "asgi"),
        (functools.partial(asgi), "asgi"),
        (Double(), "asgi"),
        (wsgi, "wsgi"),
        (functools.partial(wsgi), "wsgi"),
        (maker, "maker"),
        (anything, ""),
        (FastAPI, ""),
        ("app", ""),
    ],
)
def test_an_app_is_known_by_how_it_is_called(app: Any, found: str) -> None:
    assert kind(app) == found


@pytest.mark.parametrize(
    ("function", "found"), [(makes_asgi, "asgi"), (makes_wsgi, "wsgi"), (maker, ""), (FastAPI, "")]
)
def test_what_a_function_makes_is_known_by_its_annotation(function: Any, found: str) -> None:
    assert made(function) == found


@pytest.mark.parametrize(
    ("entry", "text", "settings", "words"),
    [
        ("asgi", "def app(environ, start_response): ...\n", {}, "is a WSGI application"),
        ("wsgi", "async def app(scope, receive, send): ...\n", {}, "is an ASGI application"),
        ("asgi", "def app(): ...\n", {}, "is a function without arguments"),
        ("asgi", "def app(): return lambda environ, start: 1\n", {"LOOPLAB_FACTORY": "1"}, "is a WSGI app"),
        ("asgi", "import os\nos.environ['SHOP_KEY']\n", {"LOOPLAB_RELOAD": "1"}, "the app cannot be loaded"),
    ],
)
def test_the_entry_says_what_to_mend(
    tmp_path: Path, entry: str, text: str, settings: dict[str, str], words: str
) -> None:
    (tmp_path / "shop.py").write_text(text)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOOPLAB_")}
    told = {"LOOPLAB_APP": "shop:app", "LOOPLAB_SOCKET": "/nowhere", "PYTHONPATH": str(tmp_path), **settings}
    found = subprocess.run(
        [sys.executable, "-c", f"import looplab.probe.{entry}"],
        env=kept | told,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode != 0
    assert words in found.stderr
