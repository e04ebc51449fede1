"""The end at a terminal that takes nothing any more."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

# Nobody reads the terminal: a megabyte does not fit into it.
WRITES = """
import signal, sys
from textual.drivers._writer_thread import WriterThread
from looplab.view.terminal import ending

ending.STUCK_S = 0.2
writer = WriterThread(sys.__stderr__)
writer.start()
for _ in range(16):
    writer.write("x" * 65_536)
ending.end_without(writer)
writer.stop()
"""


def test_who_writes_to_a_terminal_that_nobody_reads_is_let_go() -> None:
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITES], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        try:
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(slave)
        os.close(master)


def test_a_terminal_that_is_read_is_told_all() -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    taken = 0
    try:
        while taken < 16 * 65_536:
            taken += len(os.read(master, 65_536))
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
