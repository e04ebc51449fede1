"""When a comparison is fair: every reason against it, and silence where nothing was measured."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from streams import START_NS, stream

from looplab.lab.fairness import cores_used, lacked_share, unfair
from looplab.model import Model
from looplab.wire.clock import MS, S
from looplab.wire.events import LoopSample, TrafficState

NOW_NS = START_NS + 4 * S


def model(
    variant: str = "async-await", *, cpu: float = 0.1, lacked: float = 0.0, sender: float = 0.0
) -> Model:
    """Play a run whose loop uses and lacks so much of its time, and whose sender so much of a core."""
    made = Model()
    for batch in stream(variant, until_ns=NOW_NS):
        for place, event in enumerate(batch.events):
            if isinstance(event, LoopSample):
                used = int(cpu * event.t_ns)
                batch.events[place] = replace(
                    event, cpu_ns=used, thread_cpu_ns=used, lacked_ns=int(lacked * event.t_ns)
                )
            elif isinstance(event, TrafficState):
                batch.events[place] = replace(event, cpu_ns=int(sender * event.t_ns))
        made.apply(batch)
    return made


def kinds(*models: Model, cores: int = 2, late_ns: int = 0, spread_ns: int | None = 0) -> list[str]:
    return [found.kind for found in unfair(models, cores, NOW_NS, late_ns=late_ns, spread_ns=spread_ns)]


def test_nothing_is_said_of_a_machine_with_room() -> None:
    assert kinds(model(), model("async-blocking")) == []


def test_a_loop_that_lacked_the_cpu_is_named_with_its_share() -> None:
    starved = model(lacked=0.2)
    (found,) = unfair([model("async-blocking"), starved], 2, NOW_NS)
    assert found.kind == "lacked"
    assert found.text == "async-await was ready and had no CPU 20% of its time"
    assert lacked_share(starved.workers[0]) == pytest.approx(0.2, abs=0.01)


def test_what_an_idle_machine_takes_is_no_lack() -> None:
    assert kinds(model(lacked=0.03), model("async-blocking")) == []


def test_cores_count_with_those_who_use_them() -> None:
    busy = [model("async-blocking", cpu=0.9, sender=0.3) for _ in range(2)]
    assert cores_used(busy) == pytest.approx(2.4, abs=0.05)
    assert kinds(*busy, cores=2) == ["cores"]
    assert kinds(*busy, cores=4) == []


def test_a_late_screen_and_a_late_start_speak_against_it() -> None:
    pair = model(), model("async-blocking")
    assert kinds(*pair, late_ns=150 * MS, spread_ns=30 * MS) == ["late", "spread"]
    assert kinds(*pair, late_ns=90 * MS, spread_ns=10 * MS) == []
    assert kinds(*pair, late_ns=90 * MS, spread_ns=None) == []


def test_a_sender_at_its_limit_is_named_unless_its_server_is_at_its_own() -> None:
    limited = model("hello", sender=0.95)
    found = unfair([limited, model("async-await")], 8, NOW_NS)
    assert [reason.text for reason in found] == ["the sender of hello uses 95% of its core"]
    assert kinds(model("async-blocking", sender=0.95), model(), cores=8) == []


def test_a_run_that_has_not_begun_says_nothing() -> None:
    assert kinds(Model(), Model()) == []
