"""Inside of Locust's master: hands the workers' events on to the lab, and does what the lab orders."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import gevent
import gevent.os
import msgspec
from gevent.lock import RLock
from locust import events
from locust.rpc.protocol import Message
from locust.runners import STATE_MISSING, MasterRunner

from looplab.locust import messages
from looplab.locust.relay import Relay
from looplab.traffic.plan import Job
from looplab.wire import control
from looplab.wire.clock import S, now_ns
from looplab.wire.events import Notice
from looplab.wire.framing import FrameError, FrameReader

LOOK_S = 0.25
"""Time between two looks for workers that are gone. Locust itself needs three seconds to find out."""

LAST_WORDS_S = 5.0
"""Longest time in which the workers end their users and say their last words."""

WAIT_S = 0.01
READ_BYTES = 4_096

EXIT_OK = 0
EXIT_FAILED = 1


class Master:
    """Holds the relays of all workers, and the lab's orders, together."""

    def __init__(self, job: Job, reader: FrameReader, notes: list[str], say: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            job: of the run.
            reader: of standard input, behind the job.
            notes: where this traffic differs from the plan: for the log and the report.
            say: takes one line for the log.
        """
        self._job = job
        self._reader = reader
        self._notes = notes
        self._say = say
        self._runner: Any = None
        self._relays: dict[str, Relay] = {}
        self._users: int | None = None
        """Users by an order of the lab; None by the plan."""
        self._begun = self._ended = False
        self._turning = RLock()

    def listen(self) -> None:
        """Take part in what Locust does from now on; in its workers this does nothing."""
        events.init.add_listener(self._enter)
        events.test_start.add_listener(self._start)
        events.test_stopping.add_listener(self._stopping)

    def _enter(self, environment: Any, runner: Any, **_: Any) -> None:
        if not isinstance(runner, MasterRunner):
            return
        self._runner = runner
        # With --processes Locust waits for those alone.
        environment.parsed_options.expect_workers = self._job.generators
        environment.process_exit_code = EXIT_OK
        runner.register_message(messages.EVENTS, self._take)
        runner.register_message(messages.CLOCK, self._tell_clock)
        gevent.spawn(self._look)
        gevent.spawn(self._listen)

    def _start(self, **_: Any) -> None:
        self._begun = True

    def _take(self, msg: Any, **_: Any) -> None:
        """Take events of a worker."""
        name = msg.node_id
        relay = self._relays.get(name)
        if relay is None:
            if self._runner.get_worker_index(name) >= self._job.generators or self._ended:
                self._send_away(name)
                return
            relay = self._relays[name] = Relay(self._job.socket)
            is_first = len(self._relays) == 1
            relay.take(msg.data)
            for note in self._notes if is_first else ():
                relay.tell(Notice(now_ns(), "locust", "info", note))
            return
        if relay.over:
            # It was lost, and is back: its last word was said for it.
            self._send_away(name)
        else:
            relay.take(msg.data)

    def _send_away(self, name: str) -> None:
        self._runner.server.send_to_client(Message("quit", None, name))

    def _tell_clock(self, msg: Any, **_: Any) -> None:
        answer = {"asked_ns": msg.data["asked_ns"], "clock_ns": now_ns()}
        self._runner.send_message(messages.CLOCK, answer, client_id=msg.node_id)

    # Workers that are gone.

    def _look(self) -> None:
        while not self._ended:
            gevent.sleep(LOOK_S)
            self._find_lost()
            failed = next((relay.failed for relay in self._relays.values() if relay.failed), "")
            if failed:
                self._fail(f"the lab does not hear Locust any more: {failed}")

    def _find_lost(self) -> None:
        """Say the last word for those that are gone; without any left the run has failed."""
        gone = [name for name, relay in self._relays.items() if not relay.over and self._is_gone(name)]
        lost = [relay for relay in self._relays.values() if relay.lost]
        if gone and len(gone) + len(lost) == len(self._relays):
            self._fail("all Locust workers are gone")
        for name in gone:
            relay = self._relays[name]
            open_requests = relay.lose()
            number = self._runner.get_worker_index(name) + 1
            host = name.rpartition("_")[0]
            text = (
                f"Locust worker {number} of {self._job.generators} on {host} is gone: what it has told"
                f" counts, and {open_requests:,} of its requests have no answer"
            )
            relay.tell(Notice(now_ns(), "locust", "warning", text))

    def _is_gone(self, name: str) -> bool:
        client = self._runner.clients.get(name)
        return client is None or client.state == STATE_MISSING

    def _fail(self, reason: str) -> None:
        self._say(reason)
        self._close()
        os._exit(EXIT_FAILED)

    # The end.

    def _stopping(self, **_: Any) -> None:
        """End the workers and wait for their last words, before Locust ends them in its own way."""
        runner = self._runner
        if runner is None or self._ended:
            return
        self._ended = True
        runner.send_message(messages.END)
        until_ns = now_ns() + int(LAST_WORDS_S * S)
        while now_ns() < until_ns and not all(relay.over for relay in self._relays.values()):
            gevent.sleep(WAIT_S)
            self._find_lost()
        for relay in self._relays.values():
            if not relay.over:
                relay.lose()
        counted = runner.stats.total
        text = f"Locust itself counted {counted.num_requests:,} requests, {counted.num_failures:,} failed"
        if self._job.plan.warmup:
            text += ", the warm-up among them"
        for relay in list(self._relays.values())[:1]:
            relay.tell(Notice(now_ns(), "locust", "info", text))
        self._close()

    def _close(self) -> None:
        gevent.joinall([gevent.spawn(relay.close) for relay in self._relays.values()])

    # What the lab orders.

    def _listen(self) -> None:
        descriptor = sys.stdin.fileno()
        gevent.os.make_nonblocking(descriptor)
        try:
            self._obey(b"")
            while data := gevent.os.nb_read(descriptor, READ_BYTES):
                self._obey(data)
        except FrameError as error:
            self._fail(f"standard input is damaged: {error}")
        # The end of the input is the lab's end, and its guard's business.

    def _obey(self, data: bytes) -> None:
        for payload in self._reader.feed(data):
            try:
                self._do(control.decode(payload))
            except msgspec.MsgspecError as error:
                self._say(f"an order cannot be read and is left out: {error}")

    def _do(self, order: control.Control) -> None:
        match order:
            case control.Finish():
                gevent.spawn(self._runner.quit)
            case control.SetUsers(users):
                gevent.spawn(self._set_users, users)
            case control.Burst():
                self._say("Locust fires no burst while it runs; the next run has it")
            case control.SetThink() | control.SetMix():
                self._say(
                    "think time and mix of a locustfile stand still while it runs; the next run has them"
                )
            case control.SetRate():
                self._say("Locust has users and no rate of arrivals")

    def _set_users(self, users: int) -> None:
        """Go to this number of users. A shape is asked once a second; its end stays where it was."""
        shape = self._runner.environment.shape_class
        if not self._begun or self._ended:
            return
        if shape is None:
            with self._turning:
                self._runner.start(users, max(users, 1))
            return
        if self._users is None:
            planned = shape.tick
            shape.tick = lambda: None if planned() is None else (self._users, max(self._users or 0, 1))
        self._users = users
