"""The process as the lab sees it: a job and orders go in, events come out, and it never outlives the lab."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from traffic_help import (
    all_came,
    answer_never,
    burst,
    check_totals,
    laboratory,
    serving,
    until,
)

from looplab.model import Model
from looplab.traffic import job as jobs
from looplab.traffic.address import resolve
from looplab.traffic.errors import JobError
from looplab.traffic.limits import RESERVED_FILES
from looplab.traffic.plan import Job, Plan, RequestSpec, Stage, Target, Variable
from looplab.wire.clock import now_ns
from looplab.wire.control import Burst, Finish, SetMix, SetRate, SetUsers
from looplab.wire.control import encode as order
from looplab.wire.events import PROTOCOL, Bye, ClientRequest, Hello, ProbeReport, TrafficState
from looplab.wire.framing import frame

pytestmark = pytest.mark.real


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_burst_from_job_to_goodbye(loop: str) -> None:
    async with serving() as server, laboratory() as lab:
        await lab.start(burst(200, 20), server.port, loop=loop, first_id=1000)
        state = await lab.seen(lambda state: state.ended_ns, "the burst is over")
        check_totals(state)
        assert (state.executor, state.running, state.ok, state.users) == ("burst", False, 200, 20)
        assert lab.process is not None
        # It waits for another burst.
        assert lab.process.returncode is None
        lab.send(Finish())
        assert await lab.exit() == (0, "")
        await until(lambda: lab.of(Bye), "it says goodbye")
        assert lab.bye.clean
        hello = lab.hello
        assert (hello.protocol, hello.run, hello.role, hello.worker) == (PROTOCOL, 7, "traffic", 0)
        assert (hello.pid, hello.loop, hello.instruments) == (lab.process.pid, loop, ["requests"])
        done = {request.client: request for request in lab.of(ClientRequest) if request.done_ns}
        assert sorted(done) == list(range(1000, 1200))
        assert sorted(request.rid for request in server.requests) == sorted(done)
        assert sum(r.done_ns - r.sent_ns for r in done.values()) == state.service.sum_ns
        assert max(r.done_ns - r.scheduled_ns for r in done.values()) == state.response.max_ns
        assert (lab.report.requests, lab.report.finished, lab.report.dropped) == (200, 200, 0)
        assert not lab.log


async def test_the_model_counts_each_burst_of_a_process_for_itself() -> None:
    model = Model()
    async with serving() as server, laboratory(model.apply) as lab:
        await lab.start(burst(60, 20), server.port)
        first = await lab.seen(lambda state: state.ended_ns, "the burst is over")
        assert (model.finished, model.statistics().ok) == (True, 60)
        for requests, users in ((40, 10), (70, 30)):
            before = first
            lab.send(Burst(requests, users))
            first = await lab.seen(
                lambda state, before=before: state.ended_ns > before.ended_ns, "the next burst is over"
            )
            figures = model.statistics()
            assert (figures.requests, figures.ok, figures.service.n) == (requests, requests, requests)
            assert (figures.failed, figures.unfinished, figures.never_sent) == (0, 0, 0)


async def test_states_and_reports_go_on_while_nothing_is_answered() -> None:
    async with serving(answer_never) as server, laboratory() as lab:
        await lab.start(burst(9, 5), server.port)
        await until(lambda: len(lab.of(TrafficState)) >= 8 and len(lab.of(ProbeReport)) >= 3, "states")
        state = lab.state
        assert state is not None
        check_totals(state)
        assert (state.running, state.in_flight, state.sent, state.scheduled) == (True, 5, 5, 9)
        assert state.cpu_ns > 0
        opened = lab.of(ClientRequest)
        assert len(opened) == 5
        assert not any(request.done_ns for request in opened)
        times = [state.t_ns for state in lab.of(TrafficState)]
        assert times == sorted(times)


async def test_finish_counts_what_is_open_as_unfinished() -> None:
    async with serving(answer_never) as server, laboratory() as lab:
        await lab.start(burst(30, 10), server.port)
        await until(lambda: len(server.requests) == 10, "ten requests wait")
        lab.send(Finish())
        assert await lab.exit() == (0, "")
        state = await lab.seen(lambda state: not state.running, "the last state")
        check_totals(state)
        assert (state.unfinished, state.never_sent, state.sent) == (10, 20, 10)
        assert lab.bye.clean


@pytest.mark.parametrize(
    "plan", [burst(30, 10), Plan(executor="constant", users=10)], ids=lambda p: p.executor
)
async def test_the_end_of_standard_input_ends_it(plan: Plan) -> None:
    async with serving(answer_never) as server, laboratory() as lab:
        await lab.start(plan, server.port)
        await until(lambda: len(server.requests) == 10, "ten requests wait")
        lab.hang_up()
        assert await lab.exit() == (0, "")
        await until(lambda: not server.open, "its connections are closed")


async def test_the_end_of_standard_input_ends_it_when_idle() -> None:
    async with serving() as server, laboratory() as lab:
        await lab.start(burst(1, 1), server.port)
        await lab.seen(lambda state: state.ended_ns, "the burst is over")
        lab.hang_up()
        assert await lab.exit() == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_good_order(number: int) -> None:
    async with serving(answer_never) as server, laboratory() as lab:
        process = await lab.start(burst(3, 3), server.port)
        await until(lambda: len(server.requests) == 3, "three requests wait")
        process.send_signal(number)
        assert await lab.exit() == (0, "")
        assert lab.bye.clean
        assert lab.state is not None
        assert lab.state.unfinished == 3


async def test_it_ends_when_the_lab_is_gone() -> None:
    async with serving(answer_never) as server:
        folder = tempfile.TemporaryDirectory(prefix="looplab-test-")
        with folder, socket.socket(socket.AF_UNIX) as listener:
            path = Path(folder.name) / "lab"
            listener.bind(str(path))
            listener.listen()
            async with laboratory() as lab:
                lab.socket = path
                await lab.start(burst(3, 3), server.port)
                await until(lambda: len(server.requests) == 3, "three requests wait")
                listener.accept()[0].close()
                assert await lab.exit() == (1, "traffic: the lab's socket is gone\n")


async def test_it_ends_when_there_is_no_lab() -> None:
    async with serving(answer_never) as server, laboratory() as lab:
        lab.socket = Path("/nonexistent/lab")
        await lab.start(burst(3, 3), server.port)
        assert await lab.exit() == (1, "traffic: the lab's socket is gone\n")


async def test_totals_that_no_lab_has_taken_are_no_good_end() -> None:
    """A plan may be over before anybody has noticed that there is no lab."""
    async with serving() as server, laboratory() as lab:
        lab.socket = Path("/nonexistent/lab")
        await lab.start(Plan(executor="constant", users=1, duration=0.05), server.port)
        assert await lab.exit() == (1, "traffic: the lab did not take the last totals\n")


async def test_users_and_bursts_while_it_runs() -> None:
    async with serving() as server, laboratory() as lab:
        await lab.start(Plan(executor="constant", users=2, think=0.01), server.port)
        await lab.seen(lambda state: state.ok >= 10, "answers")
        lab.send(SetUsers(6))
        await until(lambda: server.open == 6, "six users")
        await lab.seen(lambda state: state.users == 6, "six users are reported")
        lab.send(SetUsers(1))
        await until(lambda: server.open == 1, "one user")
        lab.send(Burst(50, 10))
        await until(lambda: {r.user for r in lab.of(ClientRequest)} >= set(range(11)), "eleven users")
        lab.send(Finish())
        assert await lab.exit() == (0, "")
        state = await lab.seen(lambda state: not state.running, "the last state")
        check_totals(state)
        assert state.sent == state.ok + state.unfinished
        await all_came(state.sent, server)
        assert lab.report.requests == state.sent


async def test_a_burst_is_fired_again() -> None:
    async with serving() as server, laboratory() as lab:
        await lab.start(burst(20, 5), server.port)
        first = await lab.seen(lambda state: state.ended_ns, "the burst is over")
        lab.send(Burst(0, 0))
        second = await lab.seen(lambda state: state.started_ns > first.ended_ns and state.ended_ns, "again")
        check_totals(second)
        assert (second.ok, len(server.requests)) == (20, 40)


async def test_a_constant_plan_with_an_end_exits_by_itself() -> None:
    async with serving() as server, laboratory() as lab:
        await lab.start(Plan(executor="constant", users=3, duration=0.2), server.port)
        assert await lab.exit() == (0, "")
        state = await lab.seen(lambda state: not state.running, "the last state")
        check_totals(state)
        await all_came(state.sent, server)


async def test_a_rate_is_turned_while_it_runs_and_counts_are_exact() -> None:
    async with serving() as server, laboratory() as lab:
        plan = Plan(
            executor="arrival-rate",
            rate=200,
            mix=[RequestSpec(name="a", path="/a"), RequestSpec(name="b", path="/b")],
        )
        await lab.start(plan, server.port)
        await lab.seen(lambda state: state.ok >= 20, "answers")
        lab.send(SetRate(600))
        lab.send(SetMix([0, 1]))
        await lab.seen(lambda state: state.rate == 600, "the new rate is reported")
        lab.send(Finish())
        assert await lab.exit() == (0, "")
        state = await lab.seen(lambda state: not state.running, "the last state")
        check_totals(state)
        assert state.executor == "arrival-rate"
        assert state.sent == state.ok + state.unfinished
        await all_came(state.sent, server)
        assert lab.report.requests == state.sent


async def test_phases_are_told_one_by_one_and_the_process_ends_behind_the_last() -> None:
    async with serving() as server, laboratory() as lab:
        phases = [
            Plan(executor="constant", users=2, duration=0.2, warmup=0.1, name="few"),
            Plan(executor="ramping", stages=[Stage(target=5, duration=0.2)], name="more"),
        ]
        await lab.start(Plan(executor="constant", phases=phases), server.port)
        assert await lab.exit() == (0, "")
        await lab.seen(lambda state: not state.running, "the last state")
        ends = {state.phase: state for state in lab.of(TrafficState) if state.ended_ns}
        assert [(end.phase_name, end.warmup) for end in ends.values()] == [
            ("few", True),
            ("few", False),
            ("more", False),
        ]
        for end in ends.values():
            assert end.sent == end.ok + end.unfinished
        assert sum(end.sent for end in ends.values()) == lab.report.requests
        await all_came(lab.report.requests, server)


async def test_two_generators_side_by_side() -> None:
    async with serving() as server, laboratory() as one, laboratory() as two:
        plan = burst(101, 10)
        for number, lab in enumerate((one, two)):
            await lab.start(plan, server.port, generator=number, generators=2, first_id=1)
        states = [await lab.seen(lambda state: state.ended_ns, "its part is done") for lab in (one, two)]
        assert [(state.generator, state.generators, state.ok) for state in states] == [(0, 2, 51), (1, 2, 50)]
        assert [lab.hello.worker for lab in (one, two)] == [0, 1]
        numbers = [request.rid for request in server.requests]
        assert len(set(numbers)) == len(numbers) == 101
        users = [{request.user for request in lab.of(ClientRequest)} for lab in (one, two)]
        assert users == [{0, 2, 4, 6, 8}, {1, 3, 5, 7, 9}]


async def test_orders_that_come_with_the_job() -> None:
    async with serving() as server, laboratory() as lab:
        plan = Plan(executor="constant", users=1, think=3600)
        job = Job(run=1, socket=str(lab.socket), targets=[Target("localhost", server.port)], plan=plan)
        await lab.run(frame(jobs.encode(job)) + frame(order(SetUsers(3))) + frame(order(SetUsers(4))))
        await until(lambda: server.open == 4, "four users")
        lab.send(Finish())
        assert await lab.exit() == (0, "")


async def test_an_order_that_nobody_understands_is_left_out() -> None:
    async with serving() as server, laboratory() as lab:
        await lab.start(Plan(executor="constant", users=1, think=3600), server.port)
        await until(lambda: server.open == 1, "one user")
        lab.write(frame(b"\x91\x09"))
        lab.send(SetUsers(2))
        await until(lambda: server.open == 2, "two users")
        lab.write(b"\xff\xff\xff\xff")
        status, said = await lab.exit()
        assert status == 2
        lines = said.splitlines()
        assert lines[0].startswith("traffic: an order cannot be read and is left out: ")
        assert lines[1].startswith("traffic: standard input is damaged: a frame of ")
        assert len(lines) == 2


def job_bytes(plan: Plan | None = None, host: str = "127.0.0.1", port: int = 9, **more: object) -> bytes:
    targets = [Target(host, port)]
    return frame(
        jobs.encode(Job(run=1, socket="/nonexistent", targets=targets, plan=plan or burst(1, 1), **more))
    )


COMMAND = [sys.executable, "-m", "looplab.traffic"]


def talk(data: bytes, **more: object) -> tuple[int, str]:
    """Give a process all its input at once, and take what it says."""
    ended = subprocess.run(COMMAND, input=data, capture_output=True, timeout=20, check=False, **more)
    assert ended.stdout == b""
    return ended.returncode, ended.stderr.decode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "standard input ended before a job came"),
        (b"\0\0\0\x09abc", "standard input ended before a job came"),
        (b"GET / HTTP/1.1\r\n\r\n", "standard input does not begin with a job: a frame of "),
        (frame(b"\xc1"), "the job cannot be read: "),
        (frame(b"\x80"), "the job cannot be read: Object missing required field `run`"),
        (
            job_bytes(host="10.1.2.3"),
            "target '10.1.2.3' is not on this machine: traffic goes to ",
        ),
        (job_bytes(host="example.org"), "target 'example.org' is not on this machine: "),
        (job_bytes(host="127.0.0.1.nip.io"), "target '127.0.0.1.nip.io' is not on this machine: "),
        (job_bytes(host="0.0.0.0"), "target '0.0.0.0' is not on this machine: "),
        (job_bytes(port=0), "target port 0 is not between 1 and 65535"),
        (job_bytes(burst(0, 1)), "a burst needs requests of at least 1, not 0"),
        (job_bytes(burst(1, 0)), "a burst needs concurrency of at least 1, not 0"),
        (job_bytes(Plan(executor="constant", users=-1)), "users must be at least 0, not -1"),
        (job_bytes(burst(1, 1, timeout=0)), "timeout must be above 0 seconds, not 0"),
        (job_bytes(burst(1, 1, think=-1)), "think must be at least 0 seconds, not -1"),
        (job_bytes(burst(1, 1, max_duration=float("nan"))), "max_duration must be above 0 seconds, not nan"),
        (job_bytes(burst(1, 1, mix=[RequestSpec(path="x")])), "request 'root': path 'x' must begin with /"),
        (job_bytes(Plan(executor="ramping")), "ramping needs at least one stage of target and duration"),
        (
            job_bytes(Plan(executor="ramping", stages=[Stage(target=-1, duration=1)])),
            "the target of a stage must be at least 0, not -1",
        ),
        (
            job_bytes(Plan(executor="ramping", stages=[Stage(target=1, duration=float("inf"))])),
            "the duration of a stage must be at least 0 seconds, not inf",
        ),
        (
            job_bytes(Plan(executor="ramping", start=-1, stages=[Stage(target=1, duration=1)])),
            "start must be at least 0, not -1",
        ),
        (job_bytes(Plan(executor="arrival-rate")), "rate must be above 0 a second, not 0"),
        (
            job_bytes(Plan(executor="arrival-rate", rate=1, max_in_flight=0)),
            "max_in_flight must be at least 1, not 0",
        ),
        (
            job_bytes(Plan(executor="arrival-rate", rate=1, connections=-1)),
            "connections must be at least 0, not -1",
        ),
        (job_bytes(burst(1, 1, warmup=1)), "a burst plan has no warmup; put a phase of constant traffic"),
        (
            job_bytes(burst(1, 1, phases=[burst(1, 1, phases=[burst(1, 1)])])),
            "phase 0: a phase has no phases of its own",
        ),
        (
            job_bytes(burst(1, 1, phases=[Plan(executor="constant", name="a"), burst(1, 1)])),
            "phase a: only the last phase may go on without a duration",
        ),
        (
            job_bytes(burst(1, 1, phases=[burst(0, 1)])),
            "phase 0: a burst needs requests of at least 1, not 0",
        ),
        (
            job_bytes(burst(1, 1, variables={"x": Variable()})),
            "variable 'x': expected exactly one of range, sequence, unique and choice",
        ),
        (job_bytes(burst(1, 1, variables={"a b": Variable(unique=True)})), "variable 'a b': a name has"),
        (
            job_bytes(burst(1, 1, variables={"x": Variable(range=[2, 1])})),
            "variable 'x': expected range = [lowest, highest], got [2, 1]",
        ),
        (
            job_bytes(burst(1, 1, variables={"x": Variable(sequence=[2])})),
            "variable 'x': expected sequence = [start, step], got [2]",
        ),
        (
            job_bytes(burst(1, 1, variables={"x": Variable(choice=[])})),
            "variable 'x': expected a choice of at least one value",
        ),
        (job_bytes(generator=2, generators=2), "generator 2 is none of 2, which count from 0"),
        (
            job_bytes(host="a..b", allow_remote=["A..B"]),
            "target 'a..b' has no address: not a host name",
        ),
        (job_bytes(first_id=0), "first_id must be at least 1, not 0"),
        (frame(jobs.encode(Job(run=1, socket="", targets=[], plan=burst(1, 1)))), "the job has no targets"),
    ],
    ids=lambda value: value if isinstance(value, str) else "job",
)
def test_a_job_that_cannot_be_done(data: bytes, said: str) -> None:
    status, text = talk(data)
    assert status == 2
    assert text.startswith(f"traffic: {said}")
    assert text.count("\n") == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1", "LOCALHOST"])
def test_loopback_targets_are_taken(host: str) -> None:
    # Standard input ends behind the job, so it stops at once.
    assert talk(job_bytes(host=host)) == (0, "")


async def test_an_ipv6_server_is_reached_by_the_name_localhost() -> None:
    """The name stands for 127.0.0.1, and for ::1 where nobody listens on that."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]
        async with laboratory() as lab:
            plan = burst(1, 1)
            job = Job(run=1, socket=str(lab.socket), targets=[Target("localhost", port)], plan=plan)
            listener.settimeout(20)
            await lab.run(frame(jobs.encode(job)))
            await lab.seen(lambda state: state.in_flight == 1, "the request is sent")
            connection, _ = listener.accept()
            with connection:
                assert b"host: localhost:%d\r\n" % port in connection.recv(1000)


def test_standard_input_must_be_held_open_by_the_lab(tmp_path: Path) -> None:
    file = tmp_path / "job"
    file.write_bytes(job_bytes())
    with file.open("rb") as stdin:
        ended = subprocess.run(COMMAND, stdin=stdin, capture_output=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert ended.stderr == b"traffic: standard input must be a pipe that the lab holds open\n"


def test_a_remote_address_is_taken_if_a_person_allows_it() -> None:
    assert resolve("192.0.2.1", ["192.0.2.1"]) == ("192.0.2.1",)
    with pytest.raises(JobError, match="unless you say --allow-remote"):
        resolve("192.0.2.1", ["192.0.2.2"])


def test_more_users_than_files_says_how_to_mend_it() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 100))

    plan = Plan(executor="constant", users=500)
    status, text = talk(job_bytes(plan), preexec_fn=limit)
    need = 500 + RESERVED_FILES
    assert status == 2
    assert text == (
        f"traffic: 500 users need {need} open files, the limit allows 100:"
        f" raise it with `ulimit -n {need}` or take at most {100 - RESERVED_FILES} users\n"
    )


async def test_the_soft_limit_of_files_is_raised() -> None:
    """The limit of the process is 64 files, and it holds a hundred connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving(answer_never) as server, laboratory() as lab:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        try:
            await lab.start(burst(100, 100), server.port)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await until(lambda: len(server.requests) == 100, "a hundred requests wait")


async def test_its_times_stand_between_two_readings_of_ours() -> None:
    before = now_ns()
    async with serving() as server, laboratory() as lab:
        await lab.start(burst(5, 1), server.port)
        state = await lab.seen(lambda state: state.ended_ns, "the burst is over")
        assert before < state.started_ns < state.ended_ns < now_ns()


async def test_a_kill_leaves_nothing_open() -> None:
    async with serving(answer_never) as server, laboratory() as lab:
        process = await lab.start(burst(10, 10), server.port)
        await until(lambda: len(server.requests) == 10 and lab.of(Hello), "ten requests wait")
        process.kill()
        await until(lambda: not server.open, "its connections are closed")
        await until(lambda: lab.of(Bye), "the receiver says goodbye in its place")
        assert not lab.bye.clean
