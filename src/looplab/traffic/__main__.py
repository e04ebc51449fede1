"""`python -m looplab.traffic`: the traffic process."""

from __future__ import annotations

import sys

from looplab.traffic.process import main

if __name__ == "__main__":
    sys.exit(main())
