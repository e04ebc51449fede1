"""Runs a command as a user without rights, for PostgreSQL refuses to run as root.

It is run as a script by `python -I -S demote.py COMMAND…` if looplab is run by root, as in many
containers, and then replaces itself by the command. The user is `nobody`, which every system has. Its
processes keep one right of root's, to open files (CAP_DAC_OVERRIDE, which containers have): else the way to
looplab and to its data, both perhaps below /root, would have to be opened for everybody. Where that right
cannot be kept, as on macOS, the ways must be open.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import struct
import sys

USER = "nobody"

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def become(user: pwd.struct_passwd) -> None:
    """Give up all rights of root but that to open files."""
    libc = ctypes.CDLL(None)
    linux = sys.platform.startswith("linux")
    if linux:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if linux:
        kept = 1 << CAP_DAC_OVERRIDE
        header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
        libc.capset(header, struct.pack("6I", kept, kept, kept, 0, 0, 0))
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
        # The change of the user has cleared what the guard has set.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


if __name__ == "__main__":
    become(pwd.getpwnam(USER))
    os.execv(sys.argv[1], sys.argv[1:])
