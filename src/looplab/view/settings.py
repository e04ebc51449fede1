"""What people set once and want again: read at the start, written when they change it on the screen.

The file is theirs. A change replaces one value in its text; comments, order and blank lines stay, and a file
that would come out otherwise is not written.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_type_hints

import msgspec
import platformdirs

from looplab.scenario.errors import mend, one_of, shown, written

VARIABLE: Final = "LOOPLAB_SETTINGS"
"""Names another file; `none` names no file, and then nothing is remembered."""
FILE: Final = "settings.toml"


class SettingsError(Exception):
    """What is wrong with the file, where, and what to do, in one line for a person."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered. Each field is a key of the file."""

    theme: Literal["dark", "light", "contrast"] = "dark"
    """Colours of the screen."""
    code: bool = True
    """Whether the code is shown where there is room for it."""
    users: Literal["dense", "single"] = "dense"
    """Whether two bars of users may share a row, or each row shows its glyphs."""
    window: Literal["sweep", "strip"] = "sweep"
    """Whether the window stands still and fills, or runs with now at its right edge."""
    keys: bool = False
    """Whether pressed keys are shown in a corner."""


_TYPES: Final[Mapping[str, Any]] = get_type_hints(Settings)


def settings_file(environment: Mapping[str, str]) -> Path | None:
    """Name the file: the one that the environment names, or `settings.toml` in looplab's config folder."""
    named = environment.get(VARIABLE, "")
    if named == "none":
        return None
    return Path(named).expanduser() if named else platformdirs.user_config_path("looplab") / FILE


class Keeper:
    """The settings, and the file they are remembered in, if there is one."""

    def __init__(self, file: Path | None = None) -> None:
        """Read the file; one that is not there is written at the first change.

        Args:
            file: None remembers nothing beyond this process.

        Raises:
            SettingsError: the file cannot be read, or has a key or a value that is none.
        """
        self.file = file
        self.settings = _read(file)[1] if file is not None else Settings()

    def remember(self, name: str, value: object) -> str:
        """Change a setting, and write it down.

        Args:
            name: a field of `Settings`.
            value: what it is from now on.

        Returns:
            Why it could not be written, in words; empty if it was.
        """
        if getattr(self.settings, name) == value:
            return ""
        self.settings = msgspec.structs.replace(self.settings, **{name: value})
        if self.file is None:
            return ""
        try:
            text, before = _read(self.file)
            changed = _changed(text, name, value)
            if not _gives(changed, msgspec.structs.replace(before, **{name: value})):
                return f"{shown(self.file)}: {name} is written in a way that only a person should change"
            _write(self.file, changed)
        except SettingsError as error:
            return str(error)
        except OSError as error:
            return f"{shown(self.file)}: {error.strerror}"
        return ""


def _read(file: Path) -> tuple[str, Settings]:
    try:
        text = file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return "", Settings()
    except UnicodeDecodeError:
        raise SettingsError(f"{shown(file)}: the file is not in UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{shown(file)}: {error.strerror}") from None
    return text, _parsed(file, text)


def _parsed(file: Path, text: str) -> Settings:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{shown(file)}: {error}") from None
    for key, value in table.items():
        if key not in _TYPES:
            raise SettingsError(f"{shown(file)}: {key}: there is no such setting; {mend(key, _TYPES)}")
        _check(file, key, value)
    return Settings(**table)


def _check(file: Path, key: str, value: object) -> None:
    choices = get_args(_TYPES[key])
    if choices and value not in choices:
        said = mend(value, choices) if isinstance(value, str) else f"expected {one_of(choices)}"
        raise SettingsError(f"{shown(file)}: {key}: {written(value)} is not known; {said}")
    if not choices and not isinstance(value, _TYPES[key]):
        raise SettingsError(f"{shown(file)}: {key}: expected true or false, not {written(value)}")


def _changed(text: str, name: str, value: object) -> str:
    """Put a value where the key stands, or a new line at the end."""
    new = f'"{value}"' if isinstance(value, str) else str(value).lower()
    line = re.compile(rf'^([ \t]*{name}[ \t]*=[ \t]*)("[^"\n]*"|\'[^\'\n]*\'|[^\s#]+)', re.MULTILINE)
    changed, found = line.subn(lambda match: match[1] + new, text, count=1)
    if found:
        return changed
    ending = "\r\n" if "\r\n" in text else "\n"
    gap = ending if text and not text.endswith("\n") else ""
    return f"{text}{gap}{name} = {new}{ending}"


def _gives(text: str, wanted: Settings) -> bool:
    try:
        return Settings(**tomllib.loads(text)) == wanted
    except (tomllib.TOMLDecodeError, TypeError):
        return False


def _write(file: Path, text: str) -> None:
    """Write a whole file or none: what is read at any moment is the old one or the new one."""
    # A link, as people have who keep their settings elsewhere, stays a link.
    file = file.resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(text.encode("utf-8"))
        with contextlib.suppress(FileNotFoundError):
            Path(name).chmod(file.stat().st_mode & 0o777)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
