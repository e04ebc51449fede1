"""`python -m benchmarks [NAME]…`: runs the named benchmarks, or all, and prints one table."""

from __future__ import annotations

import importlib
import sys

from benchmarks import Row, table

NAMES = (
    "generator",
    "users",
    "arrivals",
    "frozen",
    "websockets",
    "screen",
    "compare",
    "stage",
    "memory",
    "probe",
    "stalls",
    "observer",
    "predict",
)
"""Modules of this package, in the order in which they run. Each has `run() -> list[Row]`."""


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name in names or NAMES:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").run()
    print(table(rows))
    return 1 if any(row.ok is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
