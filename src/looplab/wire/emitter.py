"""The emitter: telemetry leaves a process by a thread of its own.

If the event loop sent it, nothing would arrive exactly while the loop is blocked, which is the
moment that the lab exists for.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable

from looplab.wire import held
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Bye, Event, Hello, encode
from looplab.wire.framing import FrameError, FrameReader, frame
from looplab.wire.wakeup import Wakeup

PERIOD_NS = 25 * MS
"""Time between two batches: below one frame of the screen (33 ms)."""

PUMP_NS = 22 * MS
"""The same for who pumps, whose timers may be a millisecond early."""

PATIENCE_NS = 40 * MS
"""Time after which the thread wakes if nobody has pumped."""

EVENTS_PER_FRAME = 2_000
"""A batch beyond this is cut, so that a frame stays far below `MAX_FRAME_BYTES`."""

SEND_TIMEOUT_S = 0.2
"""A send that takes longer is tried again: a lab that was suspended comes back. Meanwhile nothing is
collected, and the buffers of the instruments drop and count."""

CONTROL_BYTES = 4_096
"""Read at once of what the lab says; it says little."""


class Emitter:
    """Collects events every 25 ms in a daemon thread and sends them over a Unix socket.

    An event loop that is well spares the thread its wakes: it calls `pump`. It never raises into its
    process: if the lab is not there, or goes, `alive` turns false and `collect` is not called again.
    """

    def __init__(
        self,
        path: str,
        hello: Hello,
        collect: Callable[[], list[Event]],
        on_control: Callable[[bytes], None] | None = None,
    ) -> None:
        """Prepare an emitter; `start` connects it.

        Args:
            path: the socket of the lab.
            hello: the first event.
            collect: gives what is to be sent now; called in the emitter's thread, or in the one that
                pumps, but never in both at once.
            on_control: called in the emitter's thread with each payload that the lab sends; without it,
                what the lab says is not read.
        """
        self._path = path
        self._hello = hello
        self._collect = collect
        self._on_control = on_control
        self._reader = FrameReader()
        self._wakeup = Wakeup(now_ns() + PERIOD_NS)
        self._turn = threading.Lock()
        """Held by whoever collects and sends."""
        self._descriptor = -1
        self._rest = b""
        """What has been collected and the socket has not taken yet …"""
        self._unsent = 0
        """… and the events in it."""
        self._heard: list[bytes] = []
        """What the lab has said to who pumps."""
        self._failed: Exception | None = None
        self._sent_ns = 0
        self._stopping = False
        self._stop_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="looplab emitter", daemon=True)
        self._thread_ns = 0
        self.alive = False
        """True from the hello until the connection is closed."""
        self.events = 0
        """Events sent."""
        self.lost = 0
        """Events that were collected and could not be sent."""
        self.cpu_ns = 0
        """CPU time of the emitter, as of its last batch."""

    def start(self) -> None:
        """Start the thread, which connects and says hello."""
        self._thread.start()

    def wake(self) -> None:
        """Send now and not at the next period: a stall was found."""
        self._wakeup.ring()

    def pump(self) -> None:
        """Do the thread's work here if it is time, and let it sleep on; called often by a loop that is well.

        Never waits: what the socket does not take, and what the lab says, are left to the thread.
        """
        if not (held.AVAILABLE and self.alive) or not self._turn.acquire(blocking=False):
            return
        try:
            began_ns = now_ns()
            if began_ns - self._sent_ns >= PUMP_NS and not self._rest:
                self._gather()
                said = held.receive(self._descriptor, CONTROL_BYTES) if self._on_control else None
                if said is not None:
                    self._heard.append(said)
                if self._rest or self._heard:
                    self._wakeup.ring()
                self.cpu_ns += now_ns() - began_ns
            self._wakeup.set(began_ns + PATIENCE_NS)
        except Exception as error:
            self._failed = error
            self._wakeup.ring()
        finally:
            self._turn.release()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Send once more what there is, say goodbye and end the thread. Further calls do nothing."""
        with self._stop_lock:
            if self._stopping:
                return
            self._stopping = True
        self._wakeup.ring()
        if self._thread.ident is None:
            self._wakeup.close()
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SEND_TIMEOUT_S)
                connection.connect(self._path)
                self._descriptor = connection.fileno()
                self._rest = frame(encode([self._hello]))
                self._finish(connection)
                self.alive = True
                while not self._stopping:
                    self._wakeup.wait()
                    with self._turn:
                        self._flush(connection)
                        self._listen(connection)
                    self._wakeup.set(self._sent_ns + PERIOD_NS)
                with self._turn:
                    self._flush(connection)
                    self.alive = False
                    self._rest = frame(encode([Bye(now_ns(), clean=True)]))
                    self._finish(connection)
        except (OSError, FrameError):
            # The lab has gone, or it is no lab; a probe without a lab is silent.
            pass
        except Exception as error:
            print(f"looplab: telemetry is off: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        finally:
            with self._turn:
                self.alive = False
                self._wakeup.close()

    def _flush(self, connection: socket.socket) -> None:
        """Send all that there is, however long the lab takes."""
        if self._failed is not None:
            raise self._failed
        self._finish(connection)
        self._gather()
        self._finish(connection)
        used_ns = time.thread_time_ns()
        self.cpu_ns += used_ns - self._thread_ns
        self._thread_ns = used_ns

    def _gather(self) -> None:
        """Collect, and send what the socket takes at once."""
        self._sent_ns = now_ns()
        events = self._collect()
        frames = [
            frame(encode(events[start : start + EVENTS_PER_FRAME]))
            for start in range(0, len(events), EVENTS_PER_FRAME)
        ]
        data = b"".join(frames)
        if not data:
            return
        self._rest = data[held.send(self._descriptor, data) or 0 :]
        self._unsent = len(events)
        self.events += len(events)

    def _finish(self, connection: socket.socket) -> None:
        """Send the rest; once the emitter stops, one try is all."""
        rest = memoryview(self._rest)
        try:
            while rest:
                try:
                    rest = rest[connection.send(rest) :]
                except TimeoutError:
                    if self._stopping:
                        raise
        except OSError:
            self.events -= self._unsent
            self.lost += self._unsent
            raise
        finally:
            self._rest, self._unsent = b"", 0

    def _listen(self, connection: socket.socket) -> None:
        """Read what the lab says, if anything, without waiting."""
        if self._on_control is None:
            return
        said, self._heard = self._heard, []
        if (data := _receive(connection)) is not None:
            said.append(data)
        for data in said:
            if not data:
                raise ConnectionResetError("the lab closed the connection")
            for payload in self._reader.feed(data):
                self._on_control(payload)


def _receive(connection: socket.socket) -> bytes | None:
    """Read what has arrived, without waiting; None if nothing has."""
    if held.AVAILABLE:
        return held.receive(connection.fileno(), CONTROL_BYTES)
    # A socket with a timeout waits before it asks the kernel, whatever the flags of `recv` say.
    connection.setblocking(False)
    try:
        return connection.recv(CONTROL_BYTES)
    except BlockingIOError:
        return None
    finally:
        connection.settimeout(SEND_TIMEOUT_S)
