"""Methods of a library are wrapped all or not at all, and are put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from looplab.probe.wrappers import Wrappers


class Pool:
    def take(self) -> str:
        """Take."""
        return "taken"

    def give(self) -> str:
        return "given"


def loud(original: Any) -> Callable[..., Any]:
    def wrapper(pool: Any) -> str:
        return str(original(pool)).upper()

    return wrapper


def test_what_is_wrapped_keeps_its_name_and_is_put_back() -> None:
    take, wrappers = Pool.take, Wrappers()
    wrappers.put((Pool, "take", loud), (Pool, "give", loud))
    assert (Pool().take(), Pool().give()) == ("TAKEN", "GIVEN")
    assert (Pool.take.__name__, Pool.take.__doc__) == ("take", "Take.")
    wrappers.take_away()
    assert Pool.take is take
    assert Pool().give() == "given"


def test_where_one_is_missing_none_is_wrapped() -> None:
    take, wrappers = Pool.take, Wrappers()
    with pytest.raises(AttributeError):
        wrappers.put((Pool, "take", loud), (Pool, "lend", loud))
    assert Pool.take is take


def test_what_somebody_else_has_wrapped_since_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pool, "take", Pool.take)
    wrappers = Wrappers()
    wrappers.put((Pool, "take", loud))
    theirs = Pool.take = loud(Pool.take)  # type: ignore[method-assign]
    wrappers.take_away()
    assert Pool.take is theirs
