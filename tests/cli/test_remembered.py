from __future__ import annotations

from pathlib import Path

import click
import pytest

from looplab.cli.screen import remembered


def test_a_mistake_in_the_settings_ends_the_start_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    monkeypatch.setenv("LOOPLAB_SETTINGS", str(file))
    assert remembered().file == file
    file.write_text("them = 1\n")
    with pytest.raises(click.ClickException, match=r'mine.toml: them: .* did you mean "theme"\?$'):
        remembered()
