"""`python -m looplab.locust`: Locust, for a lab."""

from __future__ import annotations

import sys

from looplab.locust.launch import main

if __name__ == "__main__":
    sys.exit(main())
