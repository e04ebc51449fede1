"""A scenario of one's own, as a folder that runs at once and says how it is changed."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from .catalogue import ORDER
from .errors import ScenarioError, shown
from .loader import FILE

SKELETON = Path(__file__).parent / "skeleton"

APP = "app.py"

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def create(name_or_path: str) -> Path:
    """Write the folder of a new scenario, whole or not at all.

    Args:
        name_or_path: name of the scenario, or the path of its folder, whose last part is the name.

    Returns:
        The folder.

    Raises:
        ScenarioError: no name for a scenario, one of the catalogue's, or the folder is there already.
        OSError: the folder cannot be written.
    """
    folder = Path(name_or_path).expanduser()
    name = folder.name
    if not _NAME.fullmatch(name):
        raise ScenarioError(
            f'"{name}" is no name for a scenario; expected small letters, digits and single hyphens,'
            ' for example "my-service"'
        )
    if name in ORDER:
        raise ScenarioError(f'"{name}" is a scenario on board; choose another name')
    if folder.exists():
        raise ScenarioError(f"{shown(folder)} is there already; choose another name, or remove it first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # What is half written has another name, so that nobody takes it for a scenario.
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as half:
        written = Path(half) / name
        written.mkdir()
        text = (SKELETON / FILE).read_text("utf-8")
        title = name.replace("-", " ").capitalize()
        (written / FILE).write_text(text.replace('"TITLE"', f'"{title}"', 1), "utf-8")
        shutil.copyfile(SKELETON / APP, written / APP)
        written.rename(folder)
    return folder
