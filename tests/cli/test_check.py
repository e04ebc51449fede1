"""`looplab check` from the command line: a real run, and the exit status that its claims give."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.real

Command = Callable[..., subprocess.CompletedProcess[str]]

CLAIM = """
[[claims]]
text = "{text}"
left = "only.ok"
op = "=="
right = "{right}"
"""


def test_claims_that_hold_are_printed_with_both_sides(looplab: Command, mine: Callable[..., Any]) -> None:
    mine(None, ("concurrency = 5\n", "concurrency = 5\n" + CLAIM.format(text="All are answered", right="20")))
    done = looplab("check", "./mine", "--json", "claims.json")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 of 1 claims hold"), done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "All are answered" in line]
    assert line.split()[-4:] == ["20", "==", "20", "holds"]


def test_a_claim_that_fails_each_time_ends_with_99(looplab: Command, mine: Callable[..., Any]) -> None:
    mine(
        None, ("concurrency = 5\n", "concurrency = 5\n" + CLAIM.format(text="One more", right="requests + 1"))
    )
    done = looplab("check", "./mine", "--json", "-")
    assert done.returncode == 99, done.stderr
    (scenario,) = json.loads(done.stdout)["scenarios"]
    (claim,) = scenario["claims"]
    assert claim["status"] == "fails"
    assert [(one["left"], one["right"]) for one in claim["tries"]] == [(20, 21)] * 3
    assert scenario["results"][0]["median"]["ok"] == 20


def test_a_scenario_that_does_not_start_ends_with_1(looplab: Command, mine: Callable[..., Any]) -> None:
    claims = "concurrency = 5\n" + CLAIM.format(text="All are answered", right="20")
    mine("import nothing_of_that_name\napp = None\n\ndef read():\n    pass\n", ("concurrency = 5\n", claims))
    done = looplab("check", "./mine")
    assert done.returncode == 1
    assert "No module named 'nothing_of_that_name'" in done.stdout
    assert "1 not run" in done.stdout


def test_a_mistake_in_a_claim_names_its_place(looplab: Command, mine: Callable[..., Any]) -> None:
    claims = "concurrency = 5\n" + CLAIM.format(text="All", right="20 ** 2")
    mine(None, ("concurrency = 5\n", claims))
    done = looplab("check", "./mine")
    message = 'looplab: mine/scenario.toml: claims[0].right: "20 ** 2": unexpected "*" at column 5\n'
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
