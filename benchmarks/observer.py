"""What observing costs: the whole lab, probe and live screen of 120×36, beside wrk on the bare server.

Both drive the same application over the same number of connections. In each pair the lab runs first in one
half of the pairs, and wrk in the other; the server that is not driven is not there.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import Row, at_least
from benchmarks.bare import serving
from benchmarks.generator import wrk
from benchmarks.terminal import run_in_terminal
from looplab.wire.clock import S

WIDTH, HEIGHT = 120, 36
CONNECTIONS = 32
SECONDS = 5
WARM_UP_NS = 2 * S
PAIRS = 5
BUDGET = 0.85


def run() -> list[Row]:
    """Measure pairs, and give the median of their ratios."""
    name = f"lab with its screen ÷ wrk on the bare server, {CONNECTIONS} connections"
    if shutil.which("wrk") is None:
        return [Row(name, "wrk is not installed", "", None)]
    ratios, rates = [], []
    for number in range(PAIRS):
        if number % 2:
            bare, observed = _bare(), _observed()
        else:
            observed, bare = _observed(), _bare()
        ratios.append(observed / bare)
        rates.append(observed)
        print(f"  {observed:,.0f} of {bare:,.0f} req/s: {ratios[-1]:.3f}", file=sys.stderr)
    note = f" ({min(ratios):.2f} to {max(ratios):.2f}; {median(rates):,.0f} req/s)"
    return [at_least(name, median(ratios), BUDGET, note=note)]


def _bare() -> float:
    """Give the requests a second that wrk gets from the server alone."""
    with serving(target="scenarios.hello.app:with_async_def") as port:
        wrk(port, 1, CONNECTIONS)
        return wrk(port, SECONDS, CONNECTIONS)


def _observed() -> float:
    """Give the requests a second of the lab, whose screen is drawn in a terminal."""
    with tempfile.TemporaryDirectory(prefix="looplab-bench-") as folder:
        result = Path(folder) / "rate.json"
        command = [sys.executable, "-m", "benchmarks.observer", str(result)]
        run_in_terminal(command, WIDTH, HEIGHT, SECONDS + 60)
        return float(json.loads(result.read_text()))


def _watch(result: Path) -> None:
    """Run the lab on its screen, and write the rate of the traffic after a warm-up."""
    from looplab.lab import Lab, Selection
    from looplab.scenario import catalogue, find, knob_values, plan_for
    from looplab.view.app import LoopLabApp
    from looplab.wire.events import TrafficState

    class Watched(LoopLabApp):
        """The application, which ends when the traffic has run long enough."""

        first: TrafficState | None = None

        def frame(self, now_ns: int, late_ns: int = 0) -> None:
            super().frame(now_ns, late_ns)
            state = lab.model.traffic
            if state is None or not state.running or state.t_ns < state.started_ns + WARM_UP_NS:
                return
            if self.first is None:
                self.first = state
            elif state.t_ns >= self.first.t_ns + SECONDS * S:
                answered, length_ns = state.ok - self.first.ok, state.t_ns - self.first.t_ns
                result.write_text(json.dumps(answered * S / length_ns))
                self.exit()

    scenario = find("hello")
    plan = plan_for(scenario, scenario.variant("async-def"), {"users": CONNECTIONS, "duration": 4 * SECONDS})
    selection = Selection(scenario, scenario.variant("async-def"), knob_values(scenario, {}), plan)
    lab = Lab()
    lab.open()
    try:
        Watched(lab, catalogue(), selection, depth="full").run()
    finally:
        lab.close()


if __name__ == "__main__":
    _watch(Path(sys.argv[1]))
