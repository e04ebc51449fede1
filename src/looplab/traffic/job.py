"""The job: the first frame on standard input, read and checked before anything is sent."""

from __future__ import annotations

import os

import msgspec

from looplab.traffic.errors import JobError
from looplab.traffic.plan import Job, Plan
from looplab.wire.framing import FrameError, FrameReader

_READ_BYTES = 65_536

_decoder = msgspec.msgpack.Decoder(Job)


def encode(job: Job) -> bytes:
    """Write a job, the payload of the first frame."""
    return msgspec.msgpack.encode(job)


def read(descriptor: int) -> tuple[Job, FrameReader]:
    """Wait for the job, and give it with the reader that may hold more frames already.

    Raises:
        JobError: what came is no job, or the input ended before there was one.
    """
    reader = FrameReader()
    try:
        while data := os.read(descriptor, _READ_BYTES):
            for payload in reader.feed(data):
                return _decoder.decode(payload), reader
    except FrameError as error:
        raise JobError(f"standard input does not begin with a job: {error}") from error
    except msgspec.MsgspecError as error:
        raise JobError(f"the job cannot be read: {error}") from error
    raise JobError("standard input ended before a job came; the lab starts this process, not a person")


def check(job: Job) -> None:
    """Check what the types cannot say.

    Raises:
        JobError: names the field, what it holds and what it may hold.
    """
    if not job.targets:
        raise JobError("the job has no targets")
    for target in job.targets:
        if not 0 < target.port < 65_536:
            raise JobError(f"target port {target.port} is not between 1 and 65535")
    if job.first_id < 1:
        raise JobError(f"first_id must be at least 1, not {job.first_id}")
    _check_plan(job.plan)


def _check_plan(plan: Plan) -> None:
    if plan.executor == "burst":
        for field, count in (("requests", plan.requests), ("concurrency", plan.concurrency)):
            if count < 1:
                raise JobError(f"a burst needs {field} of at least 1, not {count}")
    elif plan.users < 0:
        raise JobError(f"users must be at least 0, not {plan.users}")
    if not 0 <= plan.think < float("inf"):
        raise JobError(f"think must be at least 0 seconds, not {plan.think:g}")
    for field, limit in (
        ("timeout", plan.timeout),
        ("duration", plan.duration),
        ("max_duration", plan.max_duration),
    ):
        if limit is not None and not 0 < limit < float("inf"):
            raise JobError(f"{field} must be above 0 seconds, not {limit:g}")
