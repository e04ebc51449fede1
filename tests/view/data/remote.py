"""A route that asks another server and holds the loop meanwhile; the guilty line is that of `streams`."""

import requests
from fastapi import FastAPI

URL = "http://127.0.0.1:9/"

session = requests.Session()


def address() -> str:
    """Give the address of the other server."""
    return URL


async_blocking = FastAPI()
"""The only application here."""


@async_blocking.get("/")
async def wait_on_the_loop() -> dict[str, int]:
    """Ask, and give what was said."""
    url = address()

    page = session.get(url, timeout=5)
    return {"status": page.status_code}
