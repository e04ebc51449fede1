"""`looplab export` of a recording, as a person types it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from looplab.cli.export import FILES, export
from looplab.report.exports import FORMATS

RECORDING = Path(__file__).parents[1] / "recordings" / "one-keyword-async-await.looplab"
Command = Callable[..., subprocess.CompletedProcess[str]]


def test_the_command_knows_all_formats() -> None:
    assert set(FILES) == set(FORMATS)


def test_a_recording_becomes_a_file_of_each_format(tmp_path: Path) -> None:
    beginnings = {"perfetto": '{"displayTimeUnit"', "csv": "run,request,", "html": "<!doctype html>"}
    for kind, beginning in beginnings.items():
        path = tmp_path / kind
        done = CliRunner().invoke(export, [str(RECORDING), "--to", kind, "-o", str(path)])
        assert (done.exit_code, done.output) == (0, "")
        assert path.read_text("utf-8").startswith(beginning)


def test_an_export_goes_to_stdout_too(looplab: Command) -> None:
    done = looplab("export", str(RECORDING), "--to", "perfetto", "-o", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["traceEvents"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "csv"], "say which with -o"),
        (["--to", "k6", "-o", "x.js"], "is a recording, which goes to .perfetto., .csv. or .html."),
        (["--to", "csv", "--variant", "def", "-o", "x.csv"], "what was run cannot be set any more"),
        (["--to", "csv", "-o", "own"], "is the recording itself, which is never written over"),
    ],
    ids=["no file", "a script", "settings", "itself"],
)
def test_a_mistake_is_told_and_the_recording_stays(tmp_path: Path, words: list[str], said: str) -> None:
    own = tmp_path / "run.looplab"
    own.write_bytes(RECORDING.read_bytes())
    given = [str(own) if word == "own" else word for word in words]
    with pytest.raises(click.ClickException, match=said):
        export.main([str(own), *given], standalone_mode=False)
    assert own.read_bytes() == RECORDING.read_bytes()


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1",
        "ftp://a",
        "http://a b",
        "http://a:99999",
        "http://a/x",
        "http://a?b",
        "http://u:p@a",
        "http://$(id)",
        "http://a\n",
    ],
)
def test_what_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(click.BadParameter, match="is no server; expected for example"):
        export.main(["hello", "--to", "wrk", "--url", url], standalone_mode=False)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000", "https://a-b.example/", "http://[::1]:80", "http://localhost"]
)
def test_a_script_talks_to_its_server(url: str) -> None:
    done = CliRunner().invoke(export, ["hello", "--to", "oha", "--url", url])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].strip("'").endswith(f"{url.rstrip('/')}/")


def test_a_full_disk_is_told_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FORMATS, "csv", full)
    with pytest.raises(click.ClickException, match="No space left on device"):
        export.main([str(RECORDING), "--to", "csv", "-o", str(tmp_path / "x.csv")], standalone_mode=False)
