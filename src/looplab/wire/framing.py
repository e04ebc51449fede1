"""Frames: a four-byte big-endian length and so many bytes of payload."""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAX_FRAME_BYTES = 4 * 1024 * 1024
"""No batch comes near this; a length beyond it is a foreign or damaged stream."""

_LENGTH = struct.Struct(">I")


class FrameError(ValueError):
    """The stream cannot be looplab's."""


def frame(payload: bytes) -> bytes:
    """Put the length before a payload.

    Raises:
        FrameError: the payload is longer than `MAX_FRAME_BYTES`.
    """
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(payload)} bytes exceeds {MAX_FRAME_BYTES}")
    return _LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Cuts a byte stream into payloads, however it was chopped on the way."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes and yield every payload that is now complete.

        Raises:
            FrameError: a length is 0 or beyond `MAX_FRAME_BYTES`.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if not 0 < length <= MAX_FRAME_BYTES:
                raise FrameError(f"a frame of {length} bytes is not looplab's")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield payload

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._buffer)
