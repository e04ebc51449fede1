"""However a lab ends, nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

GONE_S = 2.0
"""The promise: two seconds after the lab has gone, everything has."""

LAB = """\
import signal
import sys
from pathlib import Path

from looplab.lab import Lab, Selection
from looplab.scenario import knob_values, load, plan_for

scenario = load(Path(sys.argv[1]))
variant = scenario.variant("two")
lab = Lab()
if sys.argv[2] == "handles":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
lab.open()
lab.start(Selection(scenario, variant, knob_values(scenario, {}), plan_for(scenario, variant, {})))
while not (lab.model.traffic and lab.model.traffic.ok):
    if lab.model.traffic_failed:
        sys.exit(lab.model.traffic_failed.reason)
    lab.wait(1)
    lab.drain(10**9)
print("up", flush=True)
try:
    while True:
        lab.wait(60)
        lab.drain(10**9)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("number", "handling", "status"),
    [
        (signal.SIGKILL, "handles", -signal.SIGKILL),
        (signal.SIGTERM, "handles", 1),
        (signal.SIGHUP, "handles", 1),
        (signal.SIGTERM, "dies", -signal.SIGTERM),
        (signal.SIGHUP, "dies", -signal.SIGHUP),
        (signal.SIGINT, "handles", 130),
    ],
)
def test_nothing_outlives_a_lab(
    number: signal.Signals,
    handling: str,
    status: int,
    folder: Path,
    temporary: Path,
    marked: Callable[..., list[str]],
    until: Callable[..., None],
) -> None:
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, str(folder), handling],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert lab.stdout is not None
    with lab:
        said = lab.stdout.readline()
        assert said == "up\n", said + lab.stdout.read()
        assert len(marked("uvicorn")) == 2, "the supervisor and its guard"
        assert len(marked("spawn_main")) == 2, "two workers"
        assert len(marked("looplab.traffic")) == 2, "the traffic and its guard"
        (private,) = temporary.iterdir()

        # To the whole group, as a terminal does it: children in the group would get it too.
        os.killpg(lab.pid, number)

        assert lab.wait(GONE_S) == status
        until(lambda: not marked() and not private.exists(), deadline_s=GONE_S)
        assert lab.stdout.read() == "", "a child wrote to the terminal"
