"""The stacks of another Python process, read from its memory without its help (Linux).

Reading changes nothing in the process and does not stop it. What is read while it runs may be half
changed: such a stack is cut short or left out, and never trusted further than it makes sense.

Where the fields are depends on the version of the interpreter, which finds that out by looking at itself:
the lab's own, and by `layouts` that of a worker which has another one.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
from functools import cache
from types import CodeType
from typing import NamedTuple

from looplab.probe.landmarks import thread_state

MOST_FRAMES = 128
MOST_THREADS = 128
MOST_TEXT = 4_096
MOST_LINES = 65_536

_WORD = struct.Struct("<Q")
_FRAME_BYTES = 80
_STATE_BYTES = 400
_CODE_BYTES = 160

Frames = list[tuple[str, int, str]]
"""`(file, line, function)`, innermost first."""


class Layout(NamedTuple):
    """Offsets of this interpreter, in bytes."""

    frame: tuple[int, int]
    """In a thread's state the frame that runs; -1 as the second if it stands there itself, or else the
    offset in what stands there."""
    thread_id: int
    native_id: int
    code: int
    """In a frame …"""
    previous: int
    instruction: int
    file: int
    """In a code object …"""
    name: int
    lines: int
    first_line: int
    instructions: int
    ascii: int
    """Where the characters begin in a string of ASCII …"""
    wide: int
    """… in another one …"""
    bytes: int
    """… and the bytes in a `bytes`."""


class Thread(NamedTuple):
    """One thread of a process."""

    thread_id: int
    """As Python numbers it."""
    native_id: int
    """As the kernel does."""
    frames: Frames


class Unreadable(Exception):  # noqa: N818  what was read makes no sense
    """A place in memory is not there, or not what it should be."""


class Memory:
    """The memory of one process."""

    def __init__(self, pid: int | str) -> None:
        """Open it.

        Raises:
            OSError: this system has no such file, or it is not for us.
        """
        self._file = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close it."""
        os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """Read some bytes.

        Raises:
            Unreadable: nothing is there.
        """
        try:
            data = os.pread(self._file, size, address) if 0 < address < 2**47 else b""
        except OSError:
            data = b""
        if len(data) != size:
            raise Unreadable
        return data

    def word(self, address: int) -> int:
        """Read eight bytes as a number."""
        return int(_WORD.unpack(self.read(address, 8))[0])

    def text(self, layout: Layout, address: int) -> str:
        """Read a `str`."""
        header = self.read(address, 40)
        length, state = _at(header, 16), header[32]
        kind, compact, ascii_ = state >> 2 & 7, state >> 5 & 1, state >> 6 & 1
        if not compact or kind not in (1, 2, 4) or not 0 < length <= MOST_TEXT:
            raise Unreadable
        start = layout.ascii if ascii_ else layout.wide
        data = self.read(address + start, length * kind)
        try:
            return data.decode({1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[kind], "replace")
        except UnicodeDecodeError:
            raise Unreadable from None

    def data(self, layout: Layout, address: int) -> bytes:
        """Read a `bytes`."""
        length = self.word(address + 16)
        if length > MOST_LINES:
            raise Unreadable
        return self.read(address + layout.bytes, length)

    def threads(self, layout: Layout, state: int) -> list[Thread]:
        """Read the stacks of all threads, from the address of one thread's state on."""
        states = [state]
        for link in (0, 8):
            at = state
            while len(states) < MOST_THREADS:
                try:
                    at = self.word(at + link)
                except Unreadable:
                    break
                if not at or at in states:
                    break
                states.append(at)
        found = []
        for at in states:
            try:
                words = self.read(at, _STATE_BYTES)
                thread_id, native_id = _at(words, layout.thread_id), _at(words, layout.native_id)
                found.append(Thread(thread_id, native_id, self._frames(layout, words)))
            except Unreadable:
                continue
        return found

    def _frames(self, layout: Layout, state: bytes) -> Frames:
        at = _at(state, layout.frame[0])
        if layout.frame[1] >= 0:
            at = self.word(at + layout.frame[1])
        frames: Frames = []
        for _ in range(MOST_FRAMES):
            if not at:
                break
            try:
                frame = self.read(at, _FRAME_BYTES)
            except Unreadable:
                break
            # Left out: frames of the interpreter's own, and one that is being made.
            with contextlib.suppress(Unreadable):
                frames.append(self._frame(layout, frame))
            at = _at(frame, layout.previous)
        return frames

    def _frame(self, layout: Layout, frame: bytes) -> tuple[str, int, str]:
        at = _at(frame, layout.code)
        code = self.read(at, _CODE_BYTES)
        file, name = self.text(layout, _at(code, layout.file)), self.text(layout, _at(code, layout.name))
        offset = _at(frame, layout.instruction) - at - layout.instructions
        first = int.from_bytes(code[layout.first_line : layout.first_line + 4], "little")
        return file, _line(first, self.data(layout, _at(code, layout.lines)), offset), name


def _at(data: bytes, offset: int) -> int:
    return int(_WORD.unpack_from(data, offset)[0])


@cache
def _line(first: int, table: bytes, offset: int) -> int:
    """Find the line of an instruction; 0 if it has none."""
    if not -2 <= offset < 2 * MOST_LINES or not 0 <= first < 2**31:
        raise Unreadable
    template: CodeType = _line.__wrapped__.__code__
    try:
        code = template.replace(
            co_firstlineno=first, co_linetable=table, co_code=bytes(max(offset, 0) // 2 * 2 + 2)
        )
        return next((line or 0 for begin, end, line in code.co_lines() if begin <= max(offset, 0) < end), 0)
    except (ValueError, TypeError):
        raise Unreadable from None


def learn() -> Layout | None:
    """Find the layout of this interpreter by looking at this very function; None where that fails."""
    try:
        memory = Memory("self")
    except OSError:
        return None
    try:
        layout = _learn(memory)
        own = memory.threads(layout, thread_state())[0]
        known = own.thread_id == threading.get_ident() and own.native_id == threading.get_native_id()
        here = [
            frame for frame in own.frames if frame[0] == learn.__code__.co_filename and frame[2] == "learn"
        ]
        first = learn.__code__.co_firstlineno
        return layout if known and here and first < here[0][1] < first + 30 else None
    except (Unreadable, StopIteration, ValueError, IndexError):
        return None
    finally:
        memory.close()


def _learn(memory: Memory) -> Layout:
    # Calls of Python functions are made beforehand: each would be the frame that runs.
    frame = sys._getframe()
    outer = frame.f_back
    assert outer is not None
    state, pread, unpack = thread_state(), os.pread, _WORD.unpack_from
    file = memory._file
    code, outer_code = frame.f_code, outer.f_code
    words = range(0, _FRAME_BYTES, 8)
    running = beneath = at_code = 0
    for offset in range(16, 64, 8):
        running = unpack(pread(file, 8, id(frame) + offset))[0]
        beneath = unpack(pread(file, 8, id(outer) + offset))[0]
        if not 4096 < running < 2**47 or not 4096 < beneath < 2**47:
            continue
        mine, its = pread(file, _FRAME_BYTES, running), pread(file, _FRAME_BYTES, beneath)
        both = [
            at for at in words if unpack(mine, at)[0] == id(code) and unpack(its, at)[0] == id(outer_code)
        ]
        if both:
            at_code = both[0]
            break
    states = pread(file, _STATE_BYTES, state)
    place = (-1, -1)
    for offset in range(0, _STATE_BYTES, 8):
        value = unpack(states, offset)[0]
        if value == running:
            place = (offset, -1)
            break
        if 4096 < value < 2**47 and not value % 8:
            for hop in (0, 8, 16):
                try:
                    found = unpack(pread(file, 8, value + hop))[0] == running
                except (OSError, struct.error):
                    break
                if found:
                    place = (offset, hop)
                    break
            if place[0] >= 0:
                break
    if place[0] < 0:
        raise Unreadable
    mine = pread(file, _FRAME_BYTES, running)
    body = pread(file, _CODE_BYTES, id(code))
    start = id(code) + type(code).__basicsize__
    return Layout(
        place,
        _find(states, threading.get_ident()),
        _find(states, threading.get_native_id()),
        at_code,
        _find(mine, beneath),
        next(at for at in words if start <= _at(mine, at) <= start + len(code.co_code)),
        _find(body, id(code.co_filename), 16),
        _find(body, id(code.co_name), 16),
        _find(body, id(code.co_linetable), 16),
        next(
            at
            for at in range(16, _CODE_BYTES, 4)
            if int.from_bytes(body[at : at + 4], "little") == code.co_firstlineno
        ),
        type(code).__basicsize__,
        sys.getsizeof("") - 1,
        # One that is made now, so that it is in no other form.
        sys.getsizeof(chr(0x394) * 2) - 6,
        sys.getsizeof(b"") - 1,
    )


def _find(data: bytes, value: int, begin: int = 0) -> int:
    return next(at for at in range(begin, len(data) - 7, 8) if _at(data, at) == value)
