"""What people write first: 64 tasks and one httpx client. `python -m benchmarks.with_httpx PORT SECONDS`."""

from __future__ import annotations

import asyncio
import sys
import time

import httpx

CONNECTIONS = 64


async def rate(port: int, seconds: float) -> float:
    """Give the requests a second that one process gets done."""
    done = 0
    until = time.monotonic() + seconds

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal done
        while time.monotonic() < until:
            (await client.get("/")).raise_for_status()
            done += 1

    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits) as client:
        await asyncio.gather(*(ask(client) for _ in range(CONNECTIONS)))
    return done / seconds


if __name__ == "__main__":
    print(asyncio.run(rate(int(sys.argv[1]), float(sys.argv[2]))))
