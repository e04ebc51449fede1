"""A headless Chromium, driven by its DevTools protocol over the WebSockets library that is here anyhow."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--window-size=1280,800",
)
DEADLINE_S = 60.0


def found() -> str:
    """Give the browser of this machine; there is no test without one."""
    path = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert path is not None, f"make test-web needs one of {', '.join(NAMES)} on the PATH"
    return path


class Browser:
    """One browser with pages; it and its profile are gone at the end."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "log").open("w")
        profile = folder / "profile"
        self._process = subprocess.Popen(
            [found(), *QUIET, f"--user-data-dir={profile}", "about:blank"],
            stdout=self._log,
            stderr=self._log,
        )
        told = profile / "DevToolsActivePort"
        end = time.monotonic() + DEADLINE_S
        while not (told.exists() and len(told.read_text().splitlines()) == 2):
            assert time.monotonic() < end, "the browser never told its port"
            assert self._process.poll() is None, "the browser ended"
            time.sleep(0.05)
        port, path = told.read_text().splitlines()
        self._root = f"ws://127.0.0.1:{port}"
        self._control = Pipe(f"{self._root}{path}")

    def open(self, address: str) -> Page:
        target = self._control.ask("Target.createTarget", url="about:blank")["targetId"]
        return Page(Pipe(f"{self._root}/devtools/page/{target}"), address)

    def close(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()
        self._log.close()


class Pipe:
    """Commands and events of one target."""

    def __init__(self, address: str) -> None:
        self._open = ExitStack()
        self._socket: ClientConnection = self._open.enter_context(connect(address, max_size=None, proxy=None))
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=DEADLINE_S))
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def listen(self) -> None:
        """Wait for the next event."""
        self.events.append(json.loads(self._socket.recv(timeout=DEADLINE_S)))

    def close(self) -> None:
        self._open.close()


class Page:
    """One tab."""

    def __init__(self, pipe: Pipe, address: str) -> None:
        self._pipe = pipe
        for domain in ("Network", "Page", "Runtime"):
            pipe.ask(f"{domain}.enable")
        pipe.ask("Page.navigate", url=address)

    @property
    def drawn(self) -> str:
        """What the lab has drawn so far, as its terminal got it."""
        frames = (
            event["params"]["response"]
            for event in self._pipe.events
            if event["method"] == "Network.webSocketFrameReceived"
        )
        return b"".join(
            base64.b64decode(frame["payloadData"]) for frame in frames if frame["opcode"] == 2
        ).decode("utf-8", "replace")

    def wait(self, state: Callable[[], bool], what: str) -> None:
        """Listen until something holds."""
        end = time.monotonic() + DEADLINE_S
        while not state():
            assert time.monotonic() < end, f"there never was {what}"
            self._pipe.listen()

    def wait_for(self, text: str) -> None:
        self.wait(lambda: text in self.drawn, text)

    def forget(self) -> None:
        """Wait for what is drawn from now on only."""
        self._pipe.events = [
            event for event in self._pipe.events if event["method"] != "Network.webSocketFrameReceived"
        ]

    def type(self, character: str) -> None:
        self._pipe.ask("Input.dispatchKeyEvent", type="keyDown", text=character, key=character)
        self._pipe.ask("Input.dispatchKeyEvent", type="keyUp", key=character)

    def evaluate(self, expression: str) -> Any:
        answer = self._pipe.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def picture(self) -> bytes:
        return base64.b64decode(self._pipe.ask("Page.captureScreenshot")["data"])

    @property
    def asked(self) -> set[str]:
        """Every address that the page has asked for."""
        events = self._pipe.events
        asked = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
        return asked | {e["params"]["url"] for e in events if e["method"] == "Network.webSocketCreated"}

    @property
    def complaints(self) -> list[str]:
        """What the page wrote to the console as an error, and exceptions of its script."""
        found = []
        for event in self._pipe.events:
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(event["params"]["exceptionDetails"]))
            elif event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] == "error":
                found.append(str(event["params"]["args"]))
        return found

    def close(self) -> None:
        self._pipe.ask("Page.close")
        self._pipe.close()
