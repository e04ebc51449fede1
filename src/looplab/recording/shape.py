"""The shape of a recording: a line that says what it is, then checked frames.

A frame is a four-byte length, a four-byte CRC-32 of the payload, and the payload. The first byte of a
payload tells its kind. All numbers are big-endian.

* `H`, once, first: a `Header` as msgpack.
* `B`: batches of events as msgpack, `[[source, received_ns, events], …]`, deflated.
* `E`, once, last: an `End` as msgpack. A file without it was cut off.
"""

from __future__ import annotations

import struct
import zlib

import msgspec

from looplab.wire.events import PROTOCOL, Event

MAGIC = b"looplab recording\n"

FORMAT = 1
"""Raised when an old reader could no longer read a new file."""

HEADER, BATCHES, END = b"H", b"B", b"E"

FRAME = struct.Struct(">II")

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""No frame comes near this; a length beyond it is damage."""

MAX_PLAIN_BYTES = 64 * 1024 * 1024
"""Nor does what a frame inflates to."""

Batches = list[tuple[int, int, list[Event]]]


class RecordingError(Exception):
    """A file that is no recording, or one that cannot be read; one line for a person."""


class Header(msgspec.Struct, kw_only=True):
    """What was recorded, where, and when."""

    format: int = FORMAT
    protocol: int = PROTOCOL
    """Version of the events."""
    looplab: str
    python: str
    platform: str
    cores: int
    scenario: str
    variant: str
    knobs: dict[str, float]
    traffic: dict[str, float] = {}
    """The numbers of the traffic by the names that set them: users, requests, …"""
    began_ns: int
    """`time.monotonic_ns` at the beginning, the clock of all times in the events, …"""
    began_wall_ns: int
    """… and `time.time_ns` at that moment."""


class End(msgspec.Struct, kw_only=True):
    """The last word of a whole recording."""

    batches: int
    dropped: int
    """Batches that the disk was too slow for."""


_encoder = msgspec.msgpack.Encoder()
_batches: msgspec.msgpack.Decoder[Batches] = msgspec.msgpack.Decoder(Batches)
_header = msgspec.msgpack.Decoder(Header)
_end = msgspec.msgpack.Decoder(End)


def frame(payload: bytes) -> bytes:
    """Put length and checksum before a payload."""
    return FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def write_header(header: Header) -> bytes:
    """Write the beginning of a file."""
    return MAGIC + frame(HEADER + _encoder.encode(header))


def write_batches(batches: Batches) -> bytes:
    """Write a frame of batches."""
    return frame(BATCHES + zlib.compress(_encoder.encode(batches), 1))


def write_end(end: End) -> bytes:
    """Write the end of a file."""
    return frame(END + _encoder.encode(end))


def read_header(payload: bytes) -> Header:
    """Read the first frame.

    Raises:
        RecordingError: it is none, or of a version that is not known here.
    """
    try:
        # The version comes first: what a later format holds beside it is not for this reader.
        version = msgspec.msgpack.decode(payload[1:], type=dict[str, object]).get("format")
        if payload[:1] != HEADER or not isinstance(version, int):
            raise RecordingError("its first frame is no header")
        if version > FORMAT:
            raise RecordingError(
                f"it has format {version}, and this looplab reads up to {FORMAT}: take a newer looplab"
            )
        header = _header.decode(payload[1:])
    except msgspec.DecodeError as error:
        raise RecordingError(f"its header cannot be read: {error}") from error
    if header.protocol != PROTOCOL:
        raise RecordingError(
            f"its events are of version {header.protocol}, and this looplab reads version {PROTOCOL}: "
            f"take looplab {header.looplab}, which recorded it"
        )
    return header


def read_batches(payload: bytes) -> Batches:
    """Read a frame of batches.

    Raises:
        ValueError: it is damaged although its checksum is right.
    """
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(payload[1:], MAX_PLAIN_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("a frame does not inflate to its end")
    return _batches.decode(plain)


def read_end(payload: bytes) -> End:
    """Read the last frame.

    Raises:
        ValueError: it cannot be read.
    """
    return _end.decode(payload[1:])
