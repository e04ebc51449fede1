"""The smallest route there is, with and without the keyword."""

from fastapi import FastAPI

with_def = FastAPI()
with_async_def = FastAPI()


@with_def.get("/")
def hello_from_a_thread():
    return {"hello": "world"}


@with_async_def.get("/")
async def hello_from_the_loop():
    return {"hello": "world"}
