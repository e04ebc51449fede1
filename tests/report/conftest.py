from __future__ import annotations

import sys
from pathlib import Path

# The streams of the model's tests are what is recorded for exports, too.
sys.path.append(str(Path(__file__).parents[1] / "model"))
