"""The shelf: files are found again by what is in them, and none is written over."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from looplab.recording import Recorder, Shelf


def put(path: Path, scenario: str, variant: str) -> Path:
    Recorder(path, scenario, variant, {}, {}, pytest.fail).close()
    return path


def test_the_last_recording_of_a_variant_is_found(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "deep" / "shelf")
    assert shelf.latest("books", "read-all") is None
    files = [put(shelf.place("books", "read-all"), "books", "read-all") for _ in range(3)]
    assert len(set(files)) == 3
    for file in files:
        assert re.fullmatch(r"books-read-all-\d{8}-\d{6}(-\d)?\.looplab", file.name)
    # The name does not tell them apart: what is in them does.
    put(shelf.place("books-read", "all"), "books-read", "all")
    # Times of files change when they are copied.
    os.utime(files[0])
    assert shelf.latest("books", "read-all") == files[2]
    assert shelf.latest("books", "read-all", other_than=files[2]) == files[1]
    assert shelf.latest("books", "read") is None


def test_what_is_no_recording_is_passed_over(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    file = put(shelf.place("hello", "def"), "hello", "def")
    (tmp_path / "hello-def-20990101-000000.looplab").write_text("mine")
    (tmp_path / "hello-def-20990101-000001.looplab").mkdir()
    assert shelf.latest("hello", "def") == file


def test_a_scenario_of_any_name_has_a_file_in_the_folder(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    file = put(shelf.place("../my talk", "a/b"), "../my talk", "a/b")
    assert file.parent == tmp_path
    assert shelf.latest("../my talk", "a/b") == file
