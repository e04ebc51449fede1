"""What `import looplab.probe.asgi` does, in an interpreter of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from probe_help import APPS, run_python


def test_without_a_lab_the_entry_is_the_users_own_object_and_nothing_is_installed() -> None:
    code = (
        "import threading, bare, looplab.probe.asgi as entry\n"
        "assert entry.app is bare.app\n"
        "assert threading.active_count() == 1\n"
    )
    assert run_python(code, LOOPLAB_APP="bare:app").stderr == ""


def test_the_probe_imports_no_framework_and_no_screen() -> None:
    code = "import sys, looplab.probe.asgi; print(*{name.partition('.')[0] for name in sys.modules})"
    modules = set(run_python(code, LOOPLAB_APP="bare:app", LOOPLAB_SOCKET="/nowhere").stdout.split())
    assert "msgspec" in modules
    assert not modules & {"textual", "rich", "fastapi", "starlette", "anyio", "httpx", "uvicorn", "click"}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("", 'LOOPLAB_APP must be "module:attribute"'),
        ("bare", 'LOOPLAB_APP must be "module:attribute"'),
        ("nowhere:app", 'ModuleNotFoundError: there is no module "nowhere"'),
        ("bare.sub:app", "there is no module"),
        ("bare:ap", 'ImportError: "bare" has no attribute "ap"; did you mean "app"?'),
        ("bare:__name__", 'ImportError: "bare:__name__" is no application: str cannot be called'),
        ("truth:nothing.at.all", '"truth" has no attribute "nothing"'),
    ],
)
def test_a_wrong_reference_says_what_to_mend(reference: str, words: str) -> None:
    assert words in run_python("import looplab.probe.asgi", LOOPLAB_APP=reference).stderr


def test_a_missing_attribute_is_answered_with_the_names_that_exist() -> None:
    error = run_python("import looplab.probe.asgi", LOOPLAB_APP="truth:nothing").stderr.splitlines()[-1]
    assert str(APPS / "truth.py") in error
    assert "FastAPI, StreamingResponse, anyio, app," in error


def test_an_error_of_the_users_own_code_passes_unchanged(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("import not_installed_anywhere\n")
    error = run_python("import looplab.probe.asgi", LOOPLAB_APP="wrong:app", PYTHONPATH=str(tmp_path)).stderr
    assert error.splitlines()[-1] == "ModuleNotFoundError: No module named 'not_installed_anywhere'"
    assert "wrong.py" in error
