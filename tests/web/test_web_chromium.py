"""`looplab serve`, as somebody with a browser sees it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from browser import Browser
from served import Served

pytestmark = pytest.mark.web

Until = Callable[..., None]


def test_the_screen_is_seen_and_takes_keys(browser: Browser, served: Served, until: Until) -> None:
    page = browser.open(served.address)
    page.wait_for("One keyword")
    page.wait_for("live")
    page.wait(lambda: page.evaluate("document.body.className.includes('-first-byte')"), "the first picture")
    before = page.picture()
    page.forget()
    page.type("?")
    page.wait_for("Help")
    assert page.picture() != before
    page.type("q")
    page.forget()
    page.type("]")
    page.wait_for("Hello")
    hosts = {urlsplit(address).hostname for address in page.asked}
    assert hosts == {"127.0.0.1"}, "the page asks nobody else for anything"
    assert page.complaints == []
    page.type("q")
    page.wait(lambda: page.evaluate("document.body.className.includes('-closed')"), "the end of the lab")
    until(lambda: not served.labs() and not served.left(), "the end of its processes")
    page.close()


def test_each_tab_is_a_lab_of_its_own(browser: Browser, served: Served, until: Until) -> None:
    one, other = browser.open(served.address), browser.open(served.address)
    for page in (one, other):
        page.wait_for("live")
    assert len(served.labs()) == 2
    one.close()
    until(
        lambda: len(served.labs()) == 1 and len(served.left()) == 1, "the end of the lab whose tab is closed"
    )
    other.forget()
    other.type("]")
    other.wait_for("Hello")
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(20) == 0
    until(lambda: not served.left(), "the end of all")
    other.close()


def test_no_lab_outlives_a_server_that_is_killed(browser: Browser, served: Served, until: Until) -> None:
    page = browser.open(served.address)
    page.wait_for("live")
    (lab,) = served.labs()
    served.process.kill()

    def gone() -> bool:
        try:
            os.kill(lab, 0)
        except ProcessLookupError:
            return True
        return False

    until(lambda: gone() and not served.left(), "the end of the lab")
    page.close()
