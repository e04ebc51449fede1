"""Decoding of TOML tables: every wrong key is told with its path, what was expected, and the mend."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from .errors import ScenarioError, mend, problem, written

S = TypeVar("S", bound=msgspec.Struct)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0}


def seconds(value: float | str) -> float | None:
    """Read `"15s"`, `"200ms"`, `"2min"` or a number of seconds; None if it is no duration."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        return float(match[1]) * _SECONDS[match[2]] if match else None
    return float(value) if math.isfinite(value) and value >= 0 else None


def join(at: str, key: object) -> str:
    """Append a key or an index to a key path: `variants[1].server`."""
    if isinstance(key, int):
        return f"{at}[{key}]"
    return f"{at}.{key}" if at else str(key)


def read_toml(file: Path, absent: str) -> dict[str, Any]:
    """Read a file of TOML.

    Args:
        file: its path.
        absent: what to say beside it if there is no such file.

    Raises:
        ScenarioError: it cannot be read.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise problem(file, "", f"no such file; {absent}") from None
    except UnicodeDecodeError as error:
        raise problem(file, "", f"not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        text = str(error)
        place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", text)
        where = f"line {place[1]}, column {place[2]}" if place and place[1] else "end of the file"
        what = text[: place.start()] if place else text
        raise problem(file, "", f"{where}: not valid TOML: {what[:1].lower()}{what[1:]}") from None
    except OSError as error:
        raise problem(file, "", f"cannot be read: {error.strerror}") from None


class Table:
    """One table of a file, with the path that messages name."""

    def __init__(self, file: Path, at: str, raw: object) -> None:
        """Hold the table at `at`; anything but a table is an error."""
        self.file = file
        self.at = at
        if not isinstance(raw, dict):
            raise self.problem("", f"expected a table, got {written(raw)}")
        self.raw: dict[str, Any] = raw

    def problem(self, key: str, text: str) -> ScenarioError:
        """Say what is wrong with a key of this table, or with the table itself."""
        return problem(self.file, join(self.at, key) if key else self.at, text)

    def table(self, key: str) -> Table:
        """Open the table under a key; an absent one is empty."""
        return Table(self.file, join(self.at, key), self.raw.get(key, {}))

    def tables(self, key: str) -> list[Table]:
        """Open each table of the list under a key; an absent list is empty."""
        raw = self.raw.get(key, [])
        if not isinstance(raw, list):
            raise self.problem(
                key, f"expected a list of tables ([[{join(self.at, key)}]]), got {written(raw)}"
            )
        at = join(self.at, key)
        return [Table(self.file, join(at, number), item) for number, item in enumerate(raw)]

    def decode(
        self, kind: type[S], *, opened: tuple[str, ...] = (), given: dict[str, Any] | None = None
    ) -> S:
        """Build a struct from the table.

        Args:
            kind: the struct; the `Meta` of its fields are the rules and the words.
            opened: keys that the caller reads by itself.
            given: fields that do not come from this table.
        """
        values = dict(given or {})
        fields = {field.name: field for field in msgspec.structs.fields(kind) if field.name not in values}
        for key in self.raw:
            if key not in fields and key not in opened:
                raise self.problem(key, f"unknown key; {mend(key, [*fields, *opened])}")
        hints = get_type_hints(kind, include_extras=True)
        for name, field in fields.items():
            if name in self.raw and name not in opened:
                values[name] = self._value(name, self.raw[name], hints[name])
            elif field.required:
                raise self.problem(name, f"missing; expected {_meta(hints[name]).description}")
        return kind(**values)

    def _value(self, name: str, raw: object, hint: Any) -> object:
        meta = _meta(hint)
        try:
            value: object = msgspec.convert(raw, hint)
        except msgspec.ValidationError as error:
            raise self._refused(name, raw, hint, str(error)) from None
        if meta.extra and meta.extra.get("duration"):
            value = seconds(value)  # type: ignore[arg-type]
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            raise self.problem(name, f"expected {meta.description}, got {written(raw)}")
        return value

    def _refused(self, name: str, raw: object, hint: Any, text: str) -> ScenarioError:
        """Name the item inside a list or a table that was refused, where msgspec tells its index."""
        item = re.search(r"`\$\[(\d+)\]`", text)
        if item and isinstance(raw, list):
            index = int(item[1])
            inner = get_args(_plain(hint))[0]
            wrong = raw[index]
            return self.problem(
                join(name, index), f"expected {_meta(inner).description}, got {written(wrong)}"
            )
        return self.problem(name, f"expected {_meta(hint).description}, got {written(raw)}")


def _meta(hint: Any) -> Meta:
    """Find the words of a field; of `Duration | None` those of the duration."""
    if get_origin(hint) is Annotated:
        return next(extra for extra in hint.__metadata__ if isinstance(extra, Meta))
    return next(
        (_meta(arm) for arm in get_args(hint) if get_origin(arm) is Annotated), Meta(description="a text")
    )


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint
