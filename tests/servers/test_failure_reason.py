"""One sentence out of the last lines of a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from looplab.servers.reason import complaint, ending, own_lines

ROOT = Path("/home/user/shop")
PACKAGE = Path("/env/lib/python3.11/site-packages/store")

IMPORT = """\
Traceback (most recent call last):
  File "/env/lib/python3.11/site-packages/uvicorn/importer.py", line 22, in import_from_string
    raise exc from None
  File "/home/user/shop/app.py", line 3, in <module>
    from store import shelf
  File "/home/user/shop/store/shelf.py", line 1, in <module>
    import foo
ModuleNotFoundError: No module named 'foo'
"""

SYNTAX = """\
Traceback (most recent call last):
  File "/env/lib/python3.11/importlib/__init__.py", line 126, in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
  File "/home/user/shop/app.py", line 7
    def :
        ^
SyntaxError: invalid syntax
"""

LIFESPAN = """\
INFO:     Waiting for application startup.
ERROR:    Traceback (most recent call last):
  File "/home/user/shop/app.py", line 9, in lifespan
    raise RuntimeError("no database")
RuntimeError: no database

ERROR:    Application startup failed. Exiting.
"""

CHAINED = """\
Traceback (most recent call last):
  File "/home/user/shop/app.py", line 4, in <module>
    settings["port"]
KeyError: 'port'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/home/user/shop/app.py", line 6, in <module>
    raise shop.errors.ConfigError("port is missing") from None
shop.errors.ConfigError: port is missing
"""

ELSEWHERE = """\
Traceback (most recent call last):
  File "/home/user/shop/.venv/lib/python3.11/site-packages/x.py", line 4, in <module>
    raise OSError("no disk")
OSError: no disk
"""

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/home/user/shop/app.py", line 12, in lifespan
  |     async with anyio.create_task_group():
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/home/user/shop/app.py", line 13, in job
    |     raise ValueError("bad")
    | ValueError: bad
    +------------------------------------
"""

SETTINGS = """\
Traceback (most recent call last):
  File "/home/user/shop/settings.py", line 8, in <module>
    settings = Settings()
  File "/env/lib/python3.11/site-packages/pydantic_settings/main.py", line 194, in __init__
    super().__init__(
pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
secret_key
  Field required [type=missing, input_value={}, input_type=dict]
[2026-01-01 10:00:00 +0000] [7] [INFO] Worker exiting (pid: 7)
"""

DJANGO = """\
Traceback (most recent call last):
  File "/env/lib/python3.11/site-packages/store/wsgi.py", line 5, in <module>
    application = get_wsgi_application()
  File "/env/lib/python3.11/site-packages/django/conf/__init__.py", line 82, in _setup
    raise ImproperlyConfigured("SECRET_KEY must not be empty.")
django.core.exceptions.ImproperlyConfigured: SECRET_KEY must not be empty.
ERROR:    the server goes
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (IMPORT, "store/shelf.py:1: ModuleNotFoundError: No module named 'foo'"),
        (SYNTAX, "app.py:7: SyntaxError: invalid syntax"),
        (LIFESPAN, "app.py:9: RuntimeError: no database"),
        (CHAINED, "app.py:6: shop.errors.ConfigError: port is missing"),
        (ELSEWHERE, "OSError: no disk"),
        (GROUP, "app.py:13: ValueError: bad"),
        (
            SETTINGS,
            "settings.py:8: pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
        ),
        (
            DJANGO,
            "wsgi.py:5: django.core.exceptions.ImproperlyConfigured: SECRET_KEY must not be empty.",
        ),
        (
            'ERROR:    Error loading ASGI app. Could not import module "app".',
            'Error loading ASGI app. Could not import module "app".',
        ),
        ("INFO:     all is well\nLastError: not a traceback", ""),
    ],
)
def test_the_last_exception_with_the_place_in_the_users_code(log: str, expected: str) -> None:
    assert complaint(log.splitlines(), [ROOT, PACKAGE]) == expected


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            IMPORT,
            [
                "File app.py:3, in <module>",
                "  from store import shelf",
                "File store/shelf.py:1, in <module>",
                "  import foo",
                "ModuleNotFoundError: No module named 'foo'",
            ],
        ),
        (SYNTAX, ["File app.py:7", "  def :", "  ^", "SyntaxError: invalid syntax"]),
        (ELSEWHERE, ["OSError: no disk"]),
        (
            SETTINGS,
            [
                "File settings.py:8, in <module>",
                "  settings = Settings()",
                "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
                "secret_key",
                "  Field required [type=missing, input_value={}, input_type=dict]",
            ],
        ),
        (
            DJANGO,
            [
                "File wsgi.py:5, in <module>",
                "  application = get_wsgi_application()",
                "django.core.exceptions.ImproperlyConfigured: SECRET_KEY must not be empty.",
            ],
        ),
        ("INFO:     all is well\nLastError: not a traceback", []),
    ],
)
def test_the_users_own_frames_and_the_exception_are_kept(log: str, expected: list[str]) -> None:
    assert own_lines(log.splitlines(), [ROOT, PACKAGE]) == expected


@pytest.mark.parametrize(
    ("status", "words"),
    [(3, "exited with status 3"), (-9, "was killed by SIGKILL"), (-15, "was killed by SIGTERM")],
)
def test_how_a_process_ended(status: int, words: str) -> None:
    assert ending(status) == words
