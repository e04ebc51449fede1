"""Several instances of a server, started, watched and stopped as one."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from looplab.servers import server
from looplab.servers.commands import ServerSpec
from looplab.servers.fleet import Fleet
from looplab.servers.server import ServerFailed

if TYPE_CHECKING:
    from servers_help import Servers

pytestmark = pytest.mark.real

SECOND_FAILS = """\
import os

if os.environ["LOOPLAB_WORKERS"].endswith(".1"):
    raise RuntimeError("not here")

async def app(scope, receive, send):
    await receive()
"""


def fleet_of(servers: Servers, count: int, source: str | None = None) -> Fleet:
    """Prepare instances of the test's app."""
    one = servers.make() if source is None else servers.make(source)
    servers.made.clear()
    specs = [
        ServerSpec(
            run=one.spec.run,
            app="app:app",
            root=servers.folder,
            loop="asyncio",
            socket_path=servers.runtime.socket_path,
            instance=instance,
        )
        for instance in range(count)
    ]
    fleet = Fleet(specs, lambda instance, line: servers.lines.append(f"{instance} {line}"), print)
    servers.made.extend(fleet.servers)
    return fleet


async def test_each_instance_has_a_port_and_says_so(servers: Servers) -> None:
    fleet = fleet_of(servers, 2)
    assert fleet.address == ""
    await fleet.start(20)
    hosts, ports = zip(*fleet.targets, strict=True)
    assert set(hosts) == {"127.0.0.1"}
    assert len(set(ports)) == 2
    assert fleet.address == f"127.0.0.1:{ports[0]},{ports[1]}"
    assert {"0 said on stdout", "1 said on stdout"} <= set(servers.lines)
    assert sorted(hello.worker for hello in servers.hellos) == [0, 1]
    ending = asyncio.create_task(fleet.wait())
    fleet.servers[1]._guarded.kill()
    reason, _ = await ending
    assert reason == "instance 2: the server was killed by SIGKILL"
    await fleet.stop(0)
    assert [await server.wait() for server in fleet.servers] == [-9, -9]


async def test_an_instance_that_fails_takes_the_others_with_it(servers: Servers) -> None:
    fleet = fleet_of(servers, 2, SECOND_FAILS)
    with pytest.raises(ServerFailed, match=r"instance 2: the app failed to start: app\.py:4: RuntimeError"):
        await fleet.start(20)
    assert [server._guarded.status is None for server in fleet.servers] == [False, False]


async def test_an_instance_without_a_port_takes_the_others_with_it(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = fleet_of(servers, 2, "import time\ntime.sleep(60)\n")
    ports = iter([server._bind()])

    def bind() -> socket.socket:
        for port in ports:
            return port
        raise OSError(errno.EADDRNOTAVAIL, "no port is free")

    monkeypatch.setattr(server, "_bind", bind)
    with pytest.raises(ServerFailed, match=r"instance 2: the server cannot be started: no port is free"):
        await fleet.start(60)
    assert [await one.wait() for one in fleet.servers] == [-9, 0]


async def test_a_start_that_is_given_up_kills_all(
    servers: Servers, reached: Callable[[Callable[[], bool]], Awaitable[None]]
) -> None:
    fleet = fleet_of(servers, 2, "import time\ntime.sleep(60)\n")
    starting = asyncio.create_task(fleet.start(60))
    await reached(lambda: all(server.pid for server in fleet.servers))
    starting.cancel()
    await asyncio.wait([starting])
    assert [await server.wait() for server in fleet.servers] == [-9, -9]
