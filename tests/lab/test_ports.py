from __future__ import annotations

from pathlib import Path

import pytest

from looplab.lab.ports import MACOS, Ports, ports, shortage
from looplab.traffic.plan import Plan, Stage

FEW = Ports(28_232, 60.0)


def rated(**changes: object) -> Plan:
    return Plan(**{"executor": "arrival-rate", "rate": 1_000.0, "keep_alive": False, **changes})  # type: ignore[arg-type]


def test_connections_faster_than_ports_come_back_are_told_with_the_mend() -> None:
    assert shortage(rated(), FEW) == (
        "1,000 connections a second need 60,000 ports, each held for 60 s after its end, and this machine has"
        " 28,232: keep connections alive, or stay below 470 a second"
    )
    ramp = rated(executor="ramping-arrival-rate", rate=0.0, stages=[Stage(target=900, duration=5)])
    assert shortage(ramp, FEW).startswith("900 connections a second")
    assert shortage(Plan(executor="burst", phases=[rated(rate=1.0), rated(rate=700.0)]), FEW).startswith(
        "700 "
    )


@pytest.mark.parametrize(
    "plan",
    [rated(keep_alive=True), rated(rate=470.0), Plan(executor="constant", users=900, keep_alive=False)],
    ids=["kept alive", "slow enough", "closed"],
)
def test_what_needs_no_more_ports_than_there_are_is_not_told(plan: Plan) -> None:
    assert shortage(plan, FEW) == ""
    assert shortage(rated(), None) == ""


@pytest.mark.parametrize(("reuse", "held_s"), [("0", 60.0), ("1", 1.0), ("2", 1.0)])
def test_what_the_kernel_allows_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reuse: str, held_s: float
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    (tmp_path / "ip_local_port_range").write_text("32768\t60999\n")
    (tmp_path / "tcp_tw_reuse").write_text(f"{reuse}\n")
    assert ports(tmp_path) == (28_232, held_s)
    (tmp_path / "tcp_tw_reuse").unlink()
    assert ports(tmp_path) is None


def test_macos_has_its_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert ports() == MACOS
    assert MACOS.rate == 546
