"""A screen that is drawn for a tab of `looplab serve`, and not on a terminal."""

from __future__ import annotations

import os
import signal
import threading
import time

_LOOK_S = 1.0


def in_browser() -> bool:
    """Tell whether this process draws for a browser: textual-serve says so in its environment."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def end_with_parent() -> None:
    """End in good order when the server of the browser is gone, even if it was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="looplab parent", daemon=True).start()
