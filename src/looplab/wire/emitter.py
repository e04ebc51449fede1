"""The emitter: telemetry leaves a process by a thread of its own.

If the event loop sent it, nothing would arrive exactly while the loop is blocked, which is the
moment that the lab exists for.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from looplab.wire.clock import now_ns
from looplab.wire.events import Bye, Event, Hello, encode
from looplab.wire.framing import FrameError, FrameReader, frame

PERIOD_S = 0.025
"""Time between two batches: below one frame of the screen (33 ms)."""

EVENTS_PER_FRAME = 2_000
"""A batch beyond this is cut, so that a frame stays far below `MAX_FRAME_BYTES`."""

SEND_TIMEOUT_S = 0.2
"""A send that takes longer is tried again: a lab that was suspended comes back. Meanwhile nothing is
collected, and the buffers of the instruments drop and count."""

CONTROL_BYTES = 65_536
"""Read at once of what the lab says; it says little."""


class Emitter:
    """Collects events every 25 ms in a daemon thread and sends them over a Unix socket.

    It never raises into its process: if the lab is not there, or goes, `alive` turns false and
    `collect` is not called again.
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
            collect: called in the emitter's thread, gives what is to be sent now.
            on_control: called in the emitter's thread with each payload that the lab sends; without it,
                what the lab says is not read.
        """
        self._path = path
        self._hello = hello
        self._collect = collect
        self._on_control = on_control
        self._reader = FrameReader()
        self._wake = threading.Event()
        self._stopping = False
        self._stop_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="looplab emitter", daemon=True)
        self.alive = False
        """True from the hello until the connection is closed."""
        self.events = 0
        """Events sent."""
        self.lost = 0
        """Events that were collected and could not be sent."""
        self.cpu_ns = 0
        """CPU time of the emitter's thread, as of its last batch."""

    def start(self) -> None:
        """Start the thread, which connects and says hello."""
        self._thread.start()

    def wake(self) -> None:
        """Send now and not at the next period: a stall was found."""
        self._wake.set()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Send once more what there is, say goodbye and end the thread. Further calls do nothing."""
        with self._stop_lock:
            if self._stopping:
                return
            self._stopping = True
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SEND_TIMEOUT_S)
                connection.connect(self._path)
                self._send(connection, [self._hello])
                self.alive = True
                while not self._stopping:
                    self._wake.wait(PERIOD_S)
                    self._wake.clear()
                    self._flush(connection)
                    self._listen(connection)
                self._flush(connection)
                self._send(connection, [Bye(now_ns(), clean=True)])
        except (OSError, FrameError):
            # The lab has gone, or it is no lab; a probe without a lab is silent.
            pass
        finally:
            self.alive = False

    def _flush(self, connection: socket.socket) -> None:
        events = self._collect()
        for start in range(0, len(events), EVENTS_PER_FRAME):
            part = events[start : start + EVENTS_PER_FRAME]
            try:
                self._send(connection, part)
            except OSError:
                self.lost += len(events) - start
                raise
            self.events += len(part)
        self.cpu_ns = time.thread_time_ns()

    def _send(self, connection: socket.socket, events: list[Event]) -> None:
        """Send one frame, however long the lab takes; once the emitter stops, one try is all."""
        rest = memoryview(frame(encode(events)))
        while rest:
            try:
                rest = rest[connection.send(rest) :]
            except TimeoutError:
                if self._stopping:
                    raise

    def _listen(self, connection: socket.socket) -> None:
        """Read what the lab says, if anything, without waiting."""
        if self._on_control is None:
            return
        # A socket with a timeout waits before it asks the kernel, whatever the flags of `recv` say.
        connection.setblocking(False)
        try:
            data = connection.recv(CONTROL_BYTES)
        except BlockingIOError:
            return
        finally:
            connection.settimeout(SEND_TIMEOUT_S)
        if not data:
            raise ConnectionResetError("the lab closed the connection")
        for payload in self._reader.feed(data):
            self._on_control(payload)
