from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
from site_help import visiting
from traffic_help import DEADLINE_S, Drive, Received, answering, driving, laboratory, serving, until
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from looplab.traffic.errors import JobError
from looplab.traffic.plan import Plan, RequestSpec, Variable
from looplab.traffic.websocket import WebSocket
from looplab.wire import control
from looplab.wire.buckets import bucket
from looplab.wire.clock import MS, S
from looplab.wire.events import TrafficState

LONG = 3600.0
FAST = 10_000.0


def plan(users: int = 1, **more: object) -> Plan:
    return Plan(executor="websocket", users=users, **{"open_rate": FAST, "interval": LONG, **more})


def check(state: TrafficState) -> None:
    """The sums that hold at any moment, and those that hold at the end."""
    assert state.sent == state.ok + sum(state.errors.values()) + state.unfinished + state.in_flight
    if not state.running:
        assert state.in_flight == 0
        assert state.connections == 0
        assert state.sent + state.never_sent == state.scheduled


def answers(state: TrafficState) -> int:
    assert sum(state.response.counts.values()) == sum(state.service.counts.values())
    return sum(state.service.counts.values())


def end(drive: Drive) -> TrafficState:
    drive.course.stop()
    state = drive.state()
    assert not state.running
    check(state)
    return state


def failures(state: TrafficState) -> dict[str, int]:
    return {kind: count for kind, count in state.errors.items() if count}


# Sockets that behave.


def test_each_message_comes_back_and_is_counted(run) -> None:
    async def test() -> None:
        async with visiting() as site:
            async with driving(plan(5, path="/echo", interval=0.01), site.port) as drive:
                await until(lambda: drive.state().messages_received >= 30, "30 echoes")
                check(drive.state())
                assert drive.state().connections == 5
                state = end(drive)
            await until(lambda: not site.open, "all WebSockets are closed")
            assert state.sent == state.scheduled == site.opened == 5
            assert state.ok + state.unfinished == 5
            assert state.messages_sent == state.messages_received + state.unfinished == site.messages
            assert answers(state) == state.messages_received
            assert sum(state.first_byte.counts.values()) == 5
            assert set(site.codes) == {1000}
            assert drive.ends == 1

    run(test())


def test_without_an_interval_each_message_follows_the_echo_of_the_one_before(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(2, path="/echo", interval=0.0), site.port) as drive:
            await until(lambda: drive.state().messages_received >= 100, "100 echoes")
            state = end(drive)
            assert 0 <= state.messages_sent - state.messages_received <= 2
            assert sum(state.errors.values()) == 0

    run(test())


def test_a_broadcast_waits_for_all_and_reaches_all(run) -> None:
    async def test() -> None:
        wanted = plan(4, path="/room", mode="broadcast", open_rate=100.0)
        async with visiting() as site, driving(wanted, site.port) as drive:
            await until(lambda: drive.state().messages_received == 4, "each has the message")
            state = end(drive)
            assert (state.messages_sent, state.ok) == (1, 4)
            assert answers(state) == 4

    run(test())


def test_broadcasts_go_on_and_each_user_has_its_turn(run) -> None:
    async def test() -> None:
        async with (
            visiting() as site,
            driving(plan(3, path="/room", mode="broadcast", interval=0.005), site.port) as drive,
        ):
            await until(lambda: drive.state().messages_received >= 30, "10 broadcasts")
            state = end(drive)
            # Those on their way when it ended are missing.
            assert state.messages_received <= 3 * state.messages_sent
            assert state.ok == 3
            assert len(site.talked) == 3

    run(test())


def test_a_broadcast_does_not_wait_for_those_who_were_refused(run) -> None:
    async def test() -> None:
        refusals = 0

        async def half(request: Received, writer: asyncio.StreamWriter) -> None:
            nonlocal refusals
            if request.connection == 0:
                refusals += 1
                writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                writer.close()
            else:
                await switch(request, writer)
                await request.reader.read()

        async with serving(half) as server, driving(plan(3, mode="broadcast"), server.port) as drive:
            await until(lambda: drive.state().messages_sent == 1, "a broadcast")
            assert refusals == 1

    run(test())


def test_idle_connections_are_pinged_and_say_nothing(run) -> None:
    async def test() -> None:
        async with (
            visiting() as site,
            driving(plan(3, path="/idle", mode="idle", interval=0.01), site.port) as drive,
        ):
            await until(lambda: answers(drive.state()) >= 9, "9 pongs")
            state = end(drive)
            await until(lambda: not site.open, "all WebSockets are closed")
            assert (state.ok, state.messages_sent, state.messages_received, site.messages) == (3, 0, 0, 0)

    run(test())


def test_idle_connections_without_an_interval_are_only_held(run) -> None:
    async def test() -> None:
        async with (
            visiting() as site,
            driving(plan(3, path="/idle", mode="idle", interval=0.0), site.port) as drive,
        ):
            await until(lambda: drive.state().connections == 3, "all are open")
            state = end(drive)
            assert (state.ok, answers(state)) == (3, 0)

    run(test())


def test_connections_are_opened_at_the_rate_from_absolute_time(run) -> None:
    async def test() -> None:
        async with (
            visiting() as site,
            driving(plan(8, path="/idle", mode="idle", open_rate=200.0), site.port) as drive,
        ):
            await until(lambda: drive.state().connections == 8, "all are open")
            began = drive.state().started_ns
            end(drive)
            scheduled = sorted(request.scheduled_ns for request in drive.done)
            assert scheduled == [began + number * 5 * MS for number in range(8)]
            assert all(request.sent_ns >= request.scheduled_ns for request in drive.done)

    run(test())


def test_a_connection_is_reported_open_and_again_when_it_is_over(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(2, path="/echo"), site.port) as drive:
            await until(lambda: drive.state().messages_received == 2, "both have their echo")
            drive.collect()
            opened = {request.client: request for request in drive.requests}
            assert sorted(opened) == sorted(site.ids) == [1, 2]
            for request in opened.values():
                assert request.status == 101
                assert 0 < request.sent_ns < request.first_byte_ns
                assert request.done_ns == 0
                assert request.connection > 0
            end(drive)
            assert {request.client for request in drive.done} == {1, 2}
            assert all((request.status, request.error) == (101, "") for request in drive.done)

    run(test())


def test_users_come_and_go_while_it_runs(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(3, path="/echo"), site.port) as drive:
            await until(lambda: drive.state().connections == 3, "three are open")
            drive.course.take(control.SetUsers(5))
            await until(lambda: drive.state().messages_received == 5, "five have their echo")
            drive.course.take(control.SetUsers(1))
            await until(lambda: site.open == 1, "one is open")
            state = drive.state()
            check(state)
            assert (state.users, state.connections, state.sent) == (1, 1, 5)
            assert sorted(request.user for request in drive.done) == [1, 2, 3, 4]
            assert end(drive).sent == 5
            drive.course.take(control.SetUsers(4))
            assert drive.state().users == 1

    run(test())


def test_users_who_go_before_their_turn_never_send(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(10, path="/echo", open_rate=0.001), site.port) as drive:
            await until(lambda: drive.state().connections == 1, "the first is open")
            drive.course.take(control.SetUsers(4))
            assert drive.state().never_sent == 6
            state = end(drive)
            assert (state.sent, state.never_sent, state.scheduled) == (1, 9, 10)

    run(test())


def test_the_rate_of_opening_can_be_turned(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(1, path="/idle", mode="idle"), site.port) as drive:
            drive.course.take(control.SetRate(50.0))
            drive.course.take(control.SetUsers(3))
            await until(lambda: drive.state().connections == 3, "all are open")
            end(drive)
            _, second, third = sorted(request.scheduled_ns for request in drive.done)
            assert third - second == 20 * MS

    run(test())


def test_the_interval_can_be_turned(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(1, path="/echo", start=0), site.port) as drive:
            drive.course.take(control.SetThink(0.0))
            await until(lambda: drive.state().messages_received >= 20, "one echo after the other")

    run(test())


def test_there_is_no_burst_of_websockets(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(1, path="/echo"), site.port) as drive:
            drive.course.take(control.Burst(1, 1))
            drive.course.take(control.SetRate(0.0))
            assert ["burst" in drive.said[0], "rate of 0" in drive.said[1]] == [True, True]

    run(test())


def test_the_plan_ends_by_itself(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(2, path="/idle", duration=0.2), site.port) as drive:
            state = await drive.over()
            check(state)
            assert state.ended_ns - state.started_ns >= 0.2 * S - MS
            await until(lambda: not site.open, "all WebSockets are closed")

    run(test())


def test_headers_variables_and_subprotocols_reach_the_server(run) -> None:
    async def test() -> None:
        seen: list[Received] = []

        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            seen.append(request)
            await switch(request, writer, b"sec-websocket-protocol: chat\r\n")
            await request.reader.read()

        spec = RequestSpec(
            path="/ws/{who}", headers={"Sec-WebSocket-Protocol": "news, chat", "cookie": "a={who}"}
        )
        wanted = plan(2, mode="idle", mix=[spec], variables={"who": Variable(unique=True)})
        async with serving(answer) as server, driving(wanted, server.port) as drive:
            await until(lambda: drive.state().connections == 2, "both are open")
            assert sorted((one.path, one.headers["cookie"]) for one in seen) == [
                ("/ws/0", "a=0"),
                ("/ws/1", "a=1"),
            ]
            assert seen[0].headers["upgrade"] == "websocket"
            assert "content-length" not in seen[0].headers

    run(test())


# Servers that do not behave.


async def switch(request: Received, writer: asyncio.StreamWriter, more: bytes = b"", key: str = "") -> None:
    accept = accept_key(key or request.headers["sec-websocket-key"]).encode()
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        + more
        + b"sec-websocket-accept: "
        + accept
        + b"\r\n\r\n"
    )


def switching(
    data: bytes, *, close: bool = False
) -> Callable[[Received, asyncio.StreamWriter], Awaitable[None]]:
    """Shake hands, send these bytes, and wait for the client to go, or close."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        await switch(request, writer)
        writer.write(data)
        if close:
            writer.close()
        else:
            await request.reader.read()

    return answer


def frame(opcode: Opcode, data: bytes, *, fin: bool = True, mask: bool = False) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=mask)


GARBAGE = {
    "reserved bits": b"\xf1\x01a",
    "no opcode": b"\x83\x00",
    "masked": frame(Opcode.TEXT, b"hello", mask=True),
    "no text": frame(Opcode.TEXT, b"\xff\xfe"),
    "no text in parts": frame(Opcode.TEXT, b"a\xc3", fin=False) + frame(Opcode.CONT, b"b"),
    "continues nothing": frame(Opcode.CONT, b"hello"),
    "a message within a message": frame(Opcode.TEXT, b"a", fin=False) + frame(Opcode.TEXT, b"b"),
    "a long ping": b"\x89\x7e\x00\x80" + bytes(128),
    "a ping in parts": b"\x09\x00",
    "huge": b"\x82\x7f" + (2**40).to_bytes(8, "big"),
    "a bad goodbye": b"\x88\x01\x00",
    "HTTP": b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n" + bytes(80),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_after_the_handshake_breaks_the_protocol(run, what: str) -> None:
    async def test() -> None:
        async with serving(switching(GARBAGE[what])) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().errors["protocol"], "the garbage is counted")
            state = end(drive)
            assert failures(state) == {"protocol": state.sent}
            assert drive.done[0].error == "protocol"
            await until(lambda: not server.open, "the connection is closed")

    run(test())


NO_HANDSHAKE = {
    "garbage": (b"\x00\x01\x02\r\n\r\n", "protocol", 0),
    "another protocol": (b"SSH-2.0-x\r\n\r\n", "protocol", 0),
    "a wrong key": (
        b"HTTP/1.1 101 OK\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n",
        "protocol",
        0,
    ),
    "no upgrade": (b"HTTP/1.1 101 Switching\r\n\r\n", "protocol", 0),
    "an ordinary answer": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "status", 200),
    "not found": (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "status", 404),
}


@pytest.mark.parametrize("what", NO_HANDSHAKE)
def test_an_answer_that_is_no_handshake_fails(run, what: str) -> None:
    data, error, status = NO_HANDSHAKE[what]

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await request.reader.read()

    async def test() -> None:
        async with serving(answer) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().errors[error], "the answer is counted")
            state = end(drive)
            assert failures(state) == {error: state.sent}
            assert (drive.done[0].error, drive.done[0].status) == (error, status)
            await until(lambda: not server.open, "the connection is closed")

    run(test())


BROKEN_OFF = {
    "nothing": (b"", "reset", 0),
    "half a head": (b"HTTP/1.1 101 Swi", "reset", 0),
    "half a body": (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 9\r\n\r\nno", "reset", 0),
    "a refusal that ends with the connection": (b"HTTP/1.1 403 Forbidden\r\n\r\nno", "status", 403),
}


@pytest.mark.parametrize("what", BROKEN_OFF)
def test_a_handshake_that_is_broken_off_fails(run, what: str) -> None:
    data, error, status = BROKEN_OFF[what]

    async def test() -> None:
        async with serving(answering(data, close=True)) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().errors[error], "the end is counted")
            state = end(drive)
            assert failures(state) == {error: state.sent}
            assert (drive.done[0].error, drive.done[0].status) == (error, status)

    run(test())


def test_a_refusal_by_the_application_is_counted_and_asked_again(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(3, path="/refuse"), site.port) as drive:
            await until(lambda: drive.state().errors["status"] >= 6, "each was refused twice")
            state = end(drive)
            assert state.errors["status"] + state.unfinished == state.sent
            await until(lambda: site.opened == state.sent, "the site has seen each handshake")
            assert {request.status for request in drive.done} == {403}

    run(test())


def test_a_server_that_says_goodbye_in_good_order_is_ok(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(2, path="/bye", mode="idle"), site.port) as drive:
            await until(lambda: drive.state().ok >= 4, "each was ended twice")
            state = end(drive)
            assert failures(state) == {}
            await until(lambda: site.opened == state.sent, "the site has seen each handshake")
            await until(lambda: not site.open, "all WebSockets are closed")

    run(test())


def test_a_server_that_ends_with_a_fault_gives_its_code(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(2, path="/fault", mode="idle"), site.port) as drive:
            await until(lambda: drive.state().errors["status"] >= 2, "each has the fault")
            state = end(drive)
            assert failures(state) == {"status": len(drive.done)}
            assert {request.status for request in drive.done} == {1011}
            await until(lambda: site.opened == state.sent, "the site has seen each handshake")

    run(test())


def test_a_goodbye_in_place_of_an_echo_is_no_answer(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(2, path="/hang-up"), site.port) as drive:
            await until(lambda: drive.state().errors["reset"] >= 2, "both were left without an answer")
            state = end(drive)
            assert state.ok == 0
            assert state.messages_received == 0
            await until(lambda: site.opened == state.sent, "the site has seen each handshake")

    run(test())


def test_a_goodbye_together_with_the_handshake(run) -> None:
    async def test() -> None:
        goodbye = frame(Opcode.CLOSE, (1011).to_bytes(2, "big"))
        async with serving(switching(goodbye)) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().errors["status"], "the goodbye is counted")
            assert drive.state().messages_sent == 0
            end(drive)

    run(test())


def test_a_socket_closed_in_the_middle_is_reset(run) -> None:
    async def test() -> None:
        half = frame(Opcode.TEXT, b"hello")[:4]
        async with (
            serving(switching(half, close=True)) as server,
            driving(plan(mode="idle"), server.port) as drive,
        ):
            await until(lambda: drive.state().errors["reset"], "the end is counted")
            state = end(drive)
            assert failures(state) == {"reset": len(drive.done)}
            assert state.messages_received == 0

    run(test())


def test_nobody_listens(run) -> None:
    async def test() -> None:
        async with serving() as server:
            port = server.port
        async with driving(plan(2), port) as drive:
            await until(lambda: drive.state().errors["refused"] >= 4, "each was refused twice")
            state = end(drive)
            assert failures(state) == {"refused": state.sent}

    run(test())


SILENT = {
    "handshake": plan(timeout=0.05),
    "echo": plan(timeout=0.05),
    "ping": plan(mode="idle", interval=0.01, timeout=0.05),
}


@pytest.mark.parametrize("what", SILENT)
def test_an_answer_that_never_comes_is_a_timeout(run, what: str) -> None:
    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        if what != "handshake":
            await switch(request, writer)
        await request.reader.read()

    async def test() -> None:
        async with serving(answer) as server, driving(SILENT[what], server.port) as drive:
            await until(lambda: drive.state().errors["timeout"], "the silence is counted")
            state = end(drive)
            assert failures(state) == {"timeout": len(drive.done)}
            await until(lambda: not server.open, "the connection is closed")

    run(test())


def test_what_owes_an_answer_at_the_end_is_unfinished(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(2, path="/silent"), site.port) as drive:
            await until(lambda: site.messages == 2, "both have spoken")
            state = end(drive)
            assert (state.ok, state.unfinished, state.sent) == (0, 2, 2)
            assert {request.client for request in drive.left_open} == {1, 2}
            await until(lambda: not site.open, "all WebSockets are closed")
            assert site.codes == [1000, 1000]

    run(test())


def test_a_message_in_parts_that_come_byte_by_byte_is_one(run) -> None:
    async def test() -> None:
        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            await switch(request, writer)
            header = await request.reader.readexactly(2)
            size = header[1] & 127
            mask = await request.reader.readexactly(4)
            said = bytes(
                byte ^ mask[at % 4] for at, byte in enumerate(await request.reader.readexactly(size))
            )
            parts = (
                frame(Opcode.TEXT, b"you said: ", fin=False)
                + frame(Opcode.PING, b"there?")
                + frame(Opcode.CONT, said[:5], fin=False)
                + frame(Opcode.CONT, said[5:])
            )
            for at in range(len(parts)):
                writer.write(parts[at : at + 1])
                await asyncio.sleep(0)
            await request.reader.read()

        async with serving(answer) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().messages_received == 1, "the echo is complete")
            state = end(drive)
            assert (state.ok, answers(state)) == (1, 1)

    run(test())


def test_other_messages_are_counted_and_are_no_echo(run) -> None:
    async def test() -> None:
        welcome = frame(Opcode.TEXT, b"welcome") + frame(Opcode.BINARY, b"\xff\x00")
        async with serving(switching(welcome)) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().messages_received == 2, "both messages are counted")
            state = end(drive)
            assert (answers(state), state.unfinished) == (0, 1)

    run(test())


def test_the_response_counts_from_when_a_message_was_due(run) -> None:
    async def test() -> None:
        answer_now = asyncio.Event()

        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            await switch(request, writer)
            while True:
                header = await request.reader.readexactly(2)
                mask = await request.reader.readexactly(4)
                body = await request.reader.readexactly(header[1] & 127)
                await answer_now.wait()
                said = bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))
                writer.write(frame(Opcode.TEXT, said))

        async with serving(answer) as server, driving(plan(interval=0.05), server.port) as drive:
            await until(lambda: drive.state().messages_sent == 1, "it has spoken")
            sent = drive.state().started_ns
            await until(lambda: drive.state().t_ns - sent > 200 * MS, "four intervals have passed")
            answer_now.set()
            await until(lambda: drive.state().messages_received >= 4, "what was due meanwhile is said")
            state = end(drive)
            # The second was due 150 ms before it could be sent, the third 100 ms, the fourth 50 ms.
            late = sum(count for at, count in state.response.counts.items() if at >= bucket(90 * MS))
            slow = sum(count for at, count in state.service.counts.items() if at >= bucket(90 * MS))
            assert slow == 1
            assert late >= 3

    run(test())


def test_connections_that_are_over_leave_nothing_behind(run) -> None:
    def left() -> int:
        gc.collect()
        return sum(isinstance(thing, WebSocket) for thing in gc.get_objects())

    async def test() -> None:
        tasks = len(asyncio.all_tasks())
        for path in ("/echo", "/fault", "/refuse"):
            async with visiting() as site:
                async with driving(plan(3, path=path, interval=0.01), site.port) as drive:
                    await until(lambda drive=drive: drive.state().sent >= 3, "each was opened")
                    end(drive)
                    await until(lambda: not left(), "no connection is left")
                await until(lambda site=site: not site.open, "all WebSockets are closed")
        await until(lambda: len(asyncio.all_tasks()) == tasks, "no task is left")

    run(test())


def test_generators_share_the_connections(run) -> None:
    async def test() -> None:
        async with visiting() as site:
            for generator, (users, numbers, ids) in enumerate(
                [(3, [0, 2, 4], [1, 3, 5]), (2, [1, 3], [2, 4])]
            ):
                share = {"generator": generator, "generators": 2}
                async with driving(plan(5, path="/echo", open_rate=1_000.0), site.port, **share) as drive:
                    await until(lambda users=users: drive.state().messages_received == users, "all echo")
                    began = drive.state().started_ns
                    end(drive)
                    assert sorted(request.user for request in drive.done) == numbers
                    assert sorted(request.client for request in drive.done) == ids
                    scheduled = sorted(request.scheduled_ns - began for request in drive.done)
                    assert scheduled == [number * 2 * MS for number in range(users)]

    run(test())


# Plans that cannot be.


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (plan(mode="broadcast", interval=0.0), "interval"),
        (plan(mix=[RequestSpec(method="POST")]), "GET"),
        (plan(mix=[RequestSpec(json={})]), "no body"),
        (plan(path="no"), "begin with /"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(run, wrong: Plan, words: str) -> None:
    async def test() -> None:
        with pytest.raises(JobError, match=words):
            async with driving(wrong, 1):
                pass

    run(test())


# The process.


@pytest.mark.real
async def test_the_process_holds_websockets_and_ends_them() -> None:
    async with visiting() as site, laboratory() as lab:
        await lab.start(plan(20, path="/echo", interval=0.02), site.port)
        state = await lab.seen(lambda state: state.messages_received >= 100, "100 echoes")
        assert state.connections == 20
        lab.send(control.Finish())
        assert await lab.exit() == (0, "")
        await until(lambda: lab.of(TrafficState)[-1].ended_ns, "the last state is here")
        state = lab.of(TrafficState)[-1]
        check(state)
        async with asyncio.timeout(DEADLINE_S):
            await until(lambda: not site.open, "all WebSockets are closed")
        assert state.sent == site.opened == 20
        assert state.messages_sent == site.messages
        assert set(site.codes) == {1000}


@pytest.mark.real
async def test_more_connections_than_open_files_are_refused_before_the_run() -> None:
    async with laboratory() as lab:
        await lab.start(plan(10_000_000), 1)
        status, said = await lab.exit()
        assert status == 2
        assert "ulimit -n" in said
