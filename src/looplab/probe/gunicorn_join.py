"""A configuration by which gunicorn joins a lab: `gunicorn --config python:looplab.probe.gunicorn_join`.

It is read in place of `gunicorn.conf.py`, which is why it reads that itself: all that is set there holds.
"""

from __future__ import annotations

import runpy
from pathlib import Path

from looplab.probe import install

_OWN = Path("gunicorn.conf.py")

if _OWN.is_file():
    globals().update(
        {name: value for name, value in runpy.run_path(str(_OWN)).items() if not name.startswith("__")}
    )

install()
