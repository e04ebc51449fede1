"""The course of a plan: its phases one after the other, each with its own executor and totals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from looplab.traffic.executor import Executor
from looplab.traffic.executors import EXECUTORS
from looplab.traffic.ground import Ground
from looplab.traffic.plan import Job, Plan
from looplab.traffic.telemetry import Telemetry
from looplab.traffic.totals import Totals
from looplab.wire import control
from looplab.wire.events import TrafficState


class _Phase:
    """A part of a plan, with the executor that runs it."""

    def __init__(self, plan: Plan, *, warmup: bool, executor: Executor) -> None:
        self.plan = plan
        self.warmup = warmup
        self.executor = executor


class Course:
    """Runs a plan from its first phase to its last. All methods are called in the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        job: Job,
        telemetry: Telemetry,
        *,
        most_users: int,
        ended: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """Prepare a run; `start` begins it.

        Args:
            loop: the running loop.
            job: what to do.
            telemetry: takes each request.
            most_users: as many as there can be connections.
            ended: called when a phase is over, or a burst that was fired afresh; `running` says whether
                another phase follows.
            say: takes one line for the log.

        Raises:
            JobError: a target is not on this machine, or a request cannot be sent.
        """
        self._loop = loop
        self._ended = ended
        self._ground = Ground(loop, job, telemetry, most_users=most_users, say=say)
        self._phases = [
            _Phase(plan, warmup=warmup, executor=EXECUTORS[plan.executor](self._ground, plan, self._over))
            for plan, warmup in _phases(job.plan)
        ]
        self._number = 0
        self._stopped = False
        self._turned: list[control.Control] = []
        """What was turned in a warm-up: it holds for the phase that is warmed up for."""

    @property
    def _phase(self) -> _Phase:
        return self._phases[self._number]

    @property
    def executor(self) -> Executor:
        """Of the phase that runs now or ran last."""
        return self._phase.executor

    @property
    def totals(self) -> Totals:
        """Of the phase that runs now or ran last."""
        return self._phase.executor.totals

    @property
    def running(self) -> bool:
        """Whether anything is sent now or by a phase that follows."""
        return self._phase.executor.running or (self._follows and bool(self.totals.started_ns))

    @property
    def fires_again(self) -> bool:
        """Whether the last phase is a burst, which can be fired afresh when it is over."""
        return self._phases[-1].plan.executor == "burst"

    @property
    def begun(self) -> int:
        """Requests sent since the process began, whatever the totals say."""
        return self._ground.begun

    @property
    def finished(self) -> int:
        """Requests done since the process began, errors included."""
        return self._ground.finished

    @property
    def _follows(self) -> bool:
        return self._number + 1 < len(self._phases) and not self._stopped

    def start(self) -> None:
        """Begin the first phase."""
        self._begin(0)

    def stop(self) -> None:
        """Send nothing more; what is open counts as unfinished."""
        self._stopped = True
        self._ground.last_phase = True
        self._phase.executor.stop()
        self._ground.close()

    def _begin(self, number: int) -> None:
        if not self._stopped:
            self._number = number
            self._ground.last_phase = not self._follows
            turned, self._turned = self._turned, []
            self._phase.executor.start()
            for order in turned:
                self.take(order)

    def _over(self) -> None:
        follows = self._follows
        if not follows:
            self._ground.close()
        self._ended()
        if follows:
            # Not from here: the executor of this phase is still at work.
            self._loop.call_soon(self._begin, self._number + 1)

    def take(self, order: control.Control) -> None:
        """Do what the lab says."""
        executor = self._phase.executor
        if self._phase.warmup and not isinstance(order, control.Burst):
            self._turned.append(order)
        match order:
            case control.SetUsers(users):
                executor.set_users(users)
            case control.SetRate(rate):
                executor.set_rate(rate)
            case control.SetMix(weights):
                executor.set_mix(weights)
            case control.SetThink(think_s):
                executor.set_think(think_s)
            case control.Burst():
                executor.burst(order)

    def sweep(self, now: int) -> None:
        """Look after timeouts and open requests: called every 25 ms."""
        self._phase.executor.sweep(now)

    def state(self, now: int, *, cpu_ns: int, max_lag_ns: int) -> TrafficState:
        """Give the totals as an event, a copy that other threads may read."""
        phase = self._phase
        executor = phase.executor
        return replace(
            executor.totals.state(
                now,
                phase.plan.executor,
                running=self.running,
                users=executor.users,
                cpu_ns=cpu_ns,
                max_lag_ns=max_lag_ns,
                phase=self._number,
                warmup=phase.warmup,
                generator=self._ground.generator,
                generators=self._ground.generators,
            ),
            phase_name=phase.plan.name,
            rate=executor.rate,
            connections=self._ground.connections,
            waiting=executor.waiting,
        )


def _phases(plan: Plan) -> list[tuple[Plan, bool]]:
    """Give the phases of a plan and whether each is a warm-up, which is a phase of its own."""
    phases = []
    for phase in plan.sequence:
        if phase.warmup:
            phases.append((replace(phase, duration=phase.warmup), True))
        phases.append((phase, False))
    return phases
