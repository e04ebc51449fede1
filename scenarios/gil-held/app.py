"""Work in threads, so the loop is free. Or is it? Some of it never lets go of the interpreter."""

import json
import os
import re

from fastapi import FastAPI

length = int(os.environ.get("LAB_LENGTH", "22"))
records = int(os.environ.get("LAB_RECORDS", "150000"))
numbers = int(os.environ.get("LAB_NUMBERS", "1000000"))

with_regex = FastAPI()
with_json = FastAPI()
with_python = FastAPI()

name = "a" * length + "!"
text = json.dumps([{"id": n, "title": "a book"} for n in range(records)])


@with_regex.get("/work")
def match_name():
    re.match(r"(a+)+$", name)
    return {"done": True}


@with_json.get("/work")
def parse_records():
    json.loads(text)
    return {"done": True}


@with_python.get("/work")
def add_numbers():
    total = 0
    for number in range(numbers):
        total += number
    return {"done": True}


@with_regex.get("/health")
@with_json.get("/health")
@with_python.get("/health")
async def health():
    return {"healthy": True}
