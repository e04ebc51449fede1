"""A visit to aiomonitor's own terminal: the screen steps aside, and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from types import FrameType

from textual.app import App, SuspendNotSupported

HOST = "127.0.0.1"


def visit(app: App[None], worker: int, port: int) -> str:
    """Give the terminal to aiomonitor's client until the user leaves it.

    The loop of the screen stands still meanwhile; what arrives waits in the lab's inbox.

    Returns:
        What went wrong, in one line, or nothing.
    """
    if find_spec("aiomonitor") is None:
        return "aiomonitor is not installed here. Mend: pip install 'looplab[tasks]'"
    command = [sys.executable, "-m", "aiomonitor.cli", "-H", HOST, "-p", str(port)]
    said = ""
    try:
        with app.suspend():
            # What is raised in here would leave the screen suspended for ever.
            try:
                print(f"aiomonitor of worker {worker} on {HOST}:{port}; exit goes back to looplab")  # noqa: T201
                said = _run(command)
            except OSError as error:
                said = str(error)
    except SuspendNotSupported:
        return "this terminal cannot be left for another program"
    return said


def _run(command: list[str]) -> str:
    # A file description of its own: the client makes it non-blocking, and would make the screen's so.
    terminal = os.open(os.ttyname(0), os.O_RDWR | os.O_NOCTTY)
    modes = termios.tcgetattr(terminal)
    try:
        client = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE)
        with client, _signals(client):
            _, errors = client.communicate()
    finally:
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
        os.close(terminal)
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1] if client.returncode and lines else ""


@contextmanager
def _signals(client: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the client with looplab, whose loop hears of a signal only afterwards.

    Ctrl-C is the client's: before it has the terminal in its mode, the key sends a signal to both.
    """

    def end(number: int, frame: FrameType | None) -> None:
        client.terminate()

    handlers = {signal.SIGTERM: end, signal.SIGHUP: end, signal.SIGINT: lambda number, frame: None}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
