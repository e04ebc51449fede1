"""Reads a recording, as far as it is whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from looplab.recording import shape
from looplab.recording.shape import Header, RecordingError
from looplab.wire.events import Batch


class Recording:
    """A file with the events of a run, read from the beginning as often as wanted."""

    def __init__(self, path: Path) -> None:
        """Open a recording and read its header.

        Raises:
            RecordingError: it is no recording, or one that this looplab cannot read.
            OSError: the file cannot be opened.
        """
        self.path = path
        self.damage = ""
        """Why the last reading ended early, in words; empty if it came to the end."""
        self.dropped = 0
        """Batches that were not recorded because the disk was too slow, known at the end."""
        with path.open("rb") as file:
            self.header = self._open(file)

    def __iter__(self) -> Iterator[Batch]:
        """Give the batches in the order in which they were received, up to the end or the damage."""
        return (batch for _, batches in self.frames() for batch in batches)

    def frames(self, place: int = 0) -> Iterator[tuple[int, list[Batch]]]:
        """Give the frames from a place on, each with its own place and its batches.

        Args:
            place: where in the file a frame begins, as it was given before; 0 for the first.
        """
        self.damage = ""
        with self.path.open("rb") as file:
            self._open(file)
            if place:
                file.seek(place)
            while True:
                place = file.tell()
                try:
                    payload = _frame(file)
                    if payload[:1] == shape.END:
                        self.dropped = shape.read_end(payload).dropped
                        return
                    batches = shape.read_batches(payload) if payload[:1] == shape.BATCHES else []
                except ValueError as error:
                    self.damage = f"{error} (at byte {place:,})"
                    return
                yield place, [Batch(source, received_ns, events) for source, received_ns, events in batches]

    def _open(self, file: BinaryIO) -> Header:
        if file.read(len(shape.MAGIC)) != shape.MAGIC:
            raise RecordingError(f"{self.path}: this file is no recording of looplab")
        try:
            return shape.read_header(_frame(file))
        except (ValueError, RecordingError) as error:
            raise RecordingError(f"{self.path}: this recording cannot be read: {error}") from error


def _frame(file: BinaryIO) -> bytes:
    """Read one payload.

    Raises:
        ValueError: the file ends here without an end, or what is here is damaged.
    """
    head = file.read(shape.FRAME.size)
    if len(head) < shape.FRAME.size:
        raise ValueError("the file was cut off")
    length, checksum = shape.FRAME.unpack(head)
    if not 0 < length <= shape.MAX_PAYLOAD_BYTES:
        raise ValueError("the file is damaged")
    payload = file.read(length)
    if len(payload) < length:
        raise ValueError("the file was cut off")
    if zlib.crc32(payload) != checksum:
        raise ValueError("the file is damaged")
    return payload
