"""Hello world in FastAPI, as everybody writes it: what the cost of the probe is measured on."""

from __future__ import annotations

from fastapi import FastAPI

app = FastAPI()


@app.get("/async")
async def hello_async() -> dict[str, str]:
    return {"hello": "world"}


@app.get("/sync")
def hello_sync() -> dict[str, str]:
    return {"hello": "world"}
