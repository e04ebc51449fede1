"""The job: the first frame on standard input, read and checked before anything is sent."""

from __future__ import annotations

import os

import msgspec

from looplab.traffic.check import check_plan
from looplab.traffic.errors import JobError
from looplab.traffic.executors import EXECUTORS
from looplab.traffic.plan import Job
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
    if not 0 <= job.generator < job.generators:
        raise JobError(f"generator {job.generator} is none of {job.generators}, which count from 0")
    check_plan(job.plan, EXECUTORS)
