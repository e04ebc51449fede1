from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from wire_help import connected, hello, receiving, until

from looplab.wire import private
from looplab.wire.events import PROTOCOL, Bye, Notice, encode
from looplab.wire.framing import frame

HELLO = frame(encode([hello()]))


def notice(number: int) -> Notice:
    return Notice(number, "server", "info", f"line {number}")


async def test_the_socket_is_for_this_user_only_and_goes_with_the_receiver(folder: Path) -> None:
    async with receiving(folder) as inbox:
        assert stat.S_ISSOCK(inbox.path.stat().st_mode)
        assert stat.S_IMODE(inbox.path.stat().st_mode) == 0o600
    assert os.listdir(folder) == []  # noqa: PTH208 - a quick look at an empty folder, in a coroutine


async def test_a_connection_from_hello_to_bye(folder: Path) -> None:
    async with receiving(folder) as inbox, connected(inbox) as (reader, writer):
        writer.write(HELLO + frame(encode([notice(1), notice(2)])))
        await until(lambda: len(inbox.events()) == 3, "three events")
        writer.write(frame(encode([notice(3), Bye(4, clean=True)])))
        assert await reader.read() == b""
        assert inbox.events() == [hello(), notice(1), notice(2), notice(3), Bye(4, clean=True)]
        assert inbox.log == []


async def test_sources_are_numbered_and_never_reused(folder: Path) -> None:
    async with receiving(folder) as inbox:
        for run in (1, 2, 3):
            async with connected(inbox) as (reader, writer):
                writer.write(frame(encode([hello(run=run), Bye(0, clean=True)])))
                assert await reader.read() == b""
        assert [batch.source for batch in inbox.batches] == [1, 2, 3]


async def test_a_peer_that_breaks_off_gets_a_bye(folder: Path) -> None:
    async with receiving(folder) as inbox:
        async with connected(inbox) as (_, writer):
            writer.write(HELLO + frame(encode([notice(1)])) + b"\0\0")
        await until(lambda: len(inbox.events()) == 3, "a bye")
        bye = inbox.events()[-1]
        assert isinstance(bye, Bye)
        assert not bye.clean
        assert bye.t_ns > 0
        assert inbox.log == []


async def test_a_peer_that_leaves_without_a_word_is_nobody(folder: Path) -> None:
    async with receiving(folder) as inbox:
        async with connected(inbox):
            pass
        async with connected(inbox) as (_, writer):
            writer.write(HELLO)
            await until(lambda: inbox.batches, "a hello")
        assert inbox.batches[0].source == 1
        assert inbox.log == []


STRANGERS = [
    pytest.param(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", "a frame of [0-9]+ bytes", id="foreign bytes"),
    pytest.param(b"\0\0\0\0", "a frame of 0 bytes", id="empty frame"),
    pytest.param(frame(b"\xc1\xc1"), "MessagePack", id="not msgpack"),
    pytest.param(frame(b"\x93\x01\x02\x03"), "Expected `array`", id="not events"),
    pytest.param(frame(encode([])), "does not begin with a hello", id="no event"),
    pytest.param(frame(encode([notice(1)])), "does not begin with a hello", id="no hello"),
    pytest.param(frame(encode([notice(1)])) * 3, "does not begin with a hello", id="no hello, thrice"),
    pytest.param(
        frame(encode([hello(protocol=PROTOCOL + 1)])) * 2,
        f"it speaks protocol {PROTOCOL + 1}, this lab speaks {PROTOCOL}; have the same version",
        id="another protocol",
    ),
]


@pytest.mark.parametrize(("data", "reason"), STRANGERS)
async def test_a_stranger_is_refused_with_one_line_and_others_go_on(
    folder: Path, data: bytes, reason: str
) -> None:
    async with receiving(folder) as inbox, connected(inbox) as (_, good):
        good.write(HELLO)
        await until(lambda: inbox.batches, "a hello")
        async with connected(inbox) as (reader, stranger):
            stranger.write(data)
            assert await reader.read() == b""
        (line,) = inbox.log
        assert line.startswith("a connection was closed: ")
        assert re.search(reason, line)
        good.write(frame(encode([notice(1)])))
        await until(lambda: inbox.events() == [hello(), notice(1)], "the other goes on")
        assert {batch.source for batch in inbox.batches} == {1}
        assert len(inbox.log) == 1


@pytest.mark.parametrize("damage", [b"GET / HTTP/1.1\r\n\r\n", frame(b"\xc1"), frame(b"\x91\x91\x63")])
async def test_a_connection_that_is_damaged_later_ends_uncleanly(folder: Path, damage: bytes) -> None:
    async with receiving(folder) as inbox, connected(inbox) as (reader, writer):
        writer.write(HELLO + frame(encode([notice(1)])) + damage + frame(encode([notice(2)])))
        assert await reader.read() == b""
        await until(lambda: len(inbox.events()) == 3, "a bye")
        assert inbox.events()[:2] == [hello(), notice(1)]
        bye = inbox.events()[2]
        assert isinstance(bye, Bye)
        assert not bye.clean
        (line,) = inbox.log
        assert line.startswith("connection 1 was closed: ")


async def test_closing_the_receiver_ends_every_connection(folder: Path) -> None:
    async with receiving(folder) as inbox, connected(inbox) as (reader, writer):
        writer.write(HELLO)
        await until(lambda: inbox.batches, "a hello")
        await inbox.receiver.close()
        assert await reader.read() == b""
        await inbox.receiver.close()


async def test_a_path_that_cannot_be_bound_says_so(folder: Path) -> None:
    async with receiving(folder) as inbox:
        with pytest.raises(OSError, match="in use"):
            async with receiving(folder):
                pass
        # The one that has it keeps it.
        async with connected(inbox) as (_, writer):
            writer.write(HELLO)
            await until(lambda: inbox.batches, "a hello")


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_both_event_loops(folder: Path, factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        test: Coroutine[Any, Any, None] = test_a_connection_from_hello_to_bye(folder)
        runner.run(test)


async def test_another_user_is_refused_and_that_is_said_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = os.getuid() + 1
    async with receiving(folder) as inbox:
        monkeypatch.setattr(private, "peer", lambda descriptor: private.Peer(stranger, 0))
        for _ in range(2):
            async with connected(inbox) as (reader, writer):
                writer.write(HELLO)
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
        assert inbox.batches == []
        monkeypatch.undo()
        async with connected(inbox) as (_, writer):
            writer.write(HELLO)
            await until(lambda: inbox.batches, "the hello of this user")
    said = f"a connection was closed: it belongs to user {stranger}, this lab is for user {os.getuid()} alone"
    assert inbox.log == [said]


@pytest.mark.parametrize("user", [os.getuid(), 0])
def test_this_user_and_root_are_welcome(user: int) -> None:
    assert private.Peer(user, 0).welcome


def test_the_kernel_tells_who_is_at_the_other_end() -> None:
    one, other = socket.socketpair()
    with one, other:
        found = private.peer(one.fileno())
    assert found is not None
    assert found.user == os.getuid()
    assert found.process in (os.getpid(), 0)
