"""`looplab gate` from the command line: the two apps of docs/gate.md for real, and wrong arguments."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from looplab.cli.gate import gate

Command = Callable[..., subprocess.CompletedProcess[str]]

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"

ANSWER_S = 0.2
PRICES = b'{"tea": 2.5}'


def apps() -> list[str]:
    """Give the app that blocks and the one that awaits, as the page has them."""
    blocks = re.findall(r"^```python\n(# prices\.py\n.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    return blocks


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request of a connection after a while, as a slow service does."""
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(ANSWER_S)
            head = (
                f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(PRICES)}\r\n\r\n"
            )
            writer.write(head.encode() + PRICES)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


@pytest.mark.real
async def test_a_blocking_client_fails_with_its_line_and_one_that_is_awaited_passes(
    looplab: Command, tmp_path: Path
) -> None:
    slow = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}/"
    done = []
    async with slow:
        for source in apps():
            (tmp_path / "prices.py").write_text(source)
            words = "gate", "prices:app", "--get", "/prices", "--users", "10", "--duration", "1s"
            files = "--max-stall", "100ms", "--json", "gate.json", "--junit", "gate.xml"
            marks = {"PRICES_URL": url, "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
            done.append(await asyncio.to_thread(looplab, *words, *files, **marks))
            if not done[1:]:
                found = json.loads((tmp_path / "gate.json").read_text())
                root = ET.parse(tmp_path / "gate.xml").getroot()
    blocked, awaited = done
    line = 1 + apps()[0].splitlines().index(
        '    return requests.get(os.environ["PRICES_URL"], timeout=10).json()'
    )

    assert blocked.returncode == 99, blocked.stdout + blocked.stderr
    assert f"prices.py:{line} held the event loop" in blocked.stdout
    assert "httpx.AsyncClient" in blocked.stdout
    assert f"::error file=prices.py,line={line}," in blocked.stderr
    (check,) = found["checks"]
    (guilty,) = check["stalls"]
    assert (guilty["where"], guilty["function"], guilty["call"]) == (
        f"prices.py:{line}",
        "prices",
        "requests.get",
    )
    assert guilty["stack"][-1]["function"] != "prices"
    assert len(found["runs"]) == 1
    assert ["prices.py" in failure.attrib["message"] for failure in root.iter("failure")] == [True]
    assert awaited.returncode == 0, awaited.stdout + awaited.stderr
    assert "1 of 1 limits hold" in awaited.stdout
    assert "::error" not in awaited.stderr


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (
            ["--max-stall", "20ms"],
            "20ms is less than 50ms, from where on it is known which line held the loop",
        ),
        (["--max-stall", "50"], '"50" is no duration above 0; expected one with its unit, such as 50ms'),
        (["--max-p95", "fast"], '"fast" is no duration above 0; expected one with its unit, such as 50ms'),
        (["--max-lag-p99", "0ms"], '"0ms" is no duration above 0'),
        (["--min-rps", "0"], "0 is not in the range x>0"),
        (["--max-errors", "-1"], "-1 is not in the range x>=0"),
        (["--max-errors", "1.5"], "'1.5' is not a valid integer range"),
        (["--json", "-", "--junit", "-"], "only one of --json and --junit can go to stdout"),
        (["--junit", "gone/x.xml"], "gone/x.xml: there is no folder gone"),
    ],
)
def test_wrong_arguments_are_told_before_anything_runs(arguments: list[str], wrong: str) -> None:
    with pytest.raises(click.UsageError) as error:
        gate.main(["prices:app", *arguments], standalone_mode=False)

    assert wrong in error.value.format_message()


@pytest.mark.real
def test_an_app_that_does_not_start_is_one_line_and_an_error_in_the_file(
    looplab: Command, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text("import nothing_of_that_name\napp = None\n")

    said = looplab("gate", "shop:app", "--server", "uvicorn", "--get", "/", "--junit", "gate.xml")

    assert (said.returncode, said.stdout) == (1, "")
    assert "nothing_of_that_name" in said.stderr
    error = ET.parse(tmp_path / "gate.xml").find(".//error")
    assert error is not None
    assert "nothing_of_that_name" in (error.text or "")


def test_an_app_that_is_not_there_is_one_line_and_an_error_in_the_file(
    looplab: Command, tmp_path: Path
) -> None:
    said = looplab("gate", "nowhere:app", "--get", "/", "--junit", "gate.xml")

    assert (said.returncode, said.stdout) == (1, "")
    assert "nowhere" in said.stderr
    assert "Traceback" not in said.stderr
    (error,) = ET.parse(tmp_path / "gate.xml").iter("error")
    assert f"looplab: {error.attrib['message']}" == said.stderr.strip()
