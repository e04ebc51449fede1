from __future__ import annotations

import socket

import pytest

from looplab.model.histogram import Histogram
from looplab.report.fire import Aim, aim, check, reach, shot
from looplab.report.progress import asked
from looplab.report.runner import RunError
from looplab.report.shown import BAR, BARS, bars
from looplab.traffic.plan import Plan, RequestSpec
from looplab.wire.clock import MS


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000, "/"),
        ("http://localhost/items?a=1&b=2", "localhost", 80, "/items?a=1&b=2"),
        ("http://[::1]:8080/x", "::1", 8080, "/x"),
        ("127.0.0.1:80/a b%20c?x=é#part", "127.0.0.1", 80, "/a%20b%20c?x=%C3%A9"),
        ("127.0.0.1:80/\udcff", "127.0.0.1", 80, "/%FF"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    assert aim(url)[1:] == (host, port, path)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1/", "speaks http and no TLS"),
        ("ftp://127.0.0.1/", "no http URL"),
        ("http://", "no http URL"),
        ("127.0.0.1:99999", "Port out of range"),
        ("http://me:secret@127.0.0.1/", "expected http://HOST:PORT/PATH"),
    ],
)
def test_what_is_no_http_url_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        aim(url)


@pytest.mark.parametrize(
    ("headers", "rate", "reason"),
    [
        ({"a": "b\r\nx: y"}, 1.0, "^header 'a' holds characters that HTTP does not allow"),
        ({"a b": "c"}, 1.0, "^header 'a b' holds"),
        ({}, float("nan"), "^rate must be above 0 a second, not nan"),
    ],
    ids=["two lines", "a blank", "no rate"],
)
def test_traffic_that_cannot_be_made_is_refused_before_anything_starts(
    headers: dict[str, str], rate: float, reason: str
) -> None:
    plan = Plan(executor="arrival-rate", rate=rate, duration=1.0)
    with pytest.raises(ValueError, match=reason):
        shot(aim("127.0.0.1:80"), plan, RequestSpec(headers=headers), 1, [])


def test_another_machine_is_refused_unless_it_is_allowed_by_name() -> None:
    with pytest.raises(ValueError, match=r"unless you say --allow-remote 192\.0\.2\.1"):
        check(aim("http://192.0.2.1/"), [])
    check(aim("http://192.0.2.1/"), ["192.0.2.1"])


def test_a_port_where_nobody_listens_is_told_before_the_run() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        with pytest.raises(RunError, match=f"nothing can be reached at 127.0.0.1:{port}: Connection refused"):
            reach(aim(f"127.0.0.1:{port}"), [])
        listener.listen()
        reach(aim(f"127.0.0.1:{port}"), [])


def test_a_header_of_ones_own_replaces_the_host() -> None:
    target = Aim("http://127.0.0.1:1/", "127.0.0.1", 1, "/a")
    plan = Plan(executor="constant", users=1)
    (kind,) = shot(target, plan, RequestSpec(), 1, []).plan.mix
    assert (kind.path, kind.headers) == ("/a", {"host": "127.0.0.1:1"})
    (kind,) = shot(target, plan, RequestSpec(headers={"Host": "shop"}), 1, []).plan.mix
    assert kind.headers == {"Host": "shop"}


def test_bars_hold_every_sample_and_the_longest_is_full() -> None:
    histogram = Histogram()
    for latency_ms, times in ((1, 100), (2, 400), (500, 1)):
        for _ in range(times):
            histogram.add(latency_ms * MS)
    rows = list(bars(histogram))
    assert len(rows) == BARS
    assert [int(row.split()[-1]) for row in rows if not row.endswith(" 0")] == [100, 400, 1]
    assert sum(row.count("█") == BAR for row in rows) == 1
    assert "▏" in rows[-1], "a single one is seen too"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(executor="burst", requests=1000, concurrency=20), "1,000 requests, 20 at once"),
        (Plan(executor="burst", requests=1, concurrency=1), "1 request, 1 at once"),
        (Plan(executor="constant", users=5, duration=2.5), "5 users for 2.5 s"),
        (Plan(executor="constant", users=1, duration=1), "1 user for 1 s"),
        (Plan(executor="arrival-rate", rate=1e6, duration=1), "1,000,000 requests a second for 1 s"),
        (Plan(executor="arrival-rate", rate=1500, duration=10), "1,500 requests a second for 10 s"),
    ],
)
def test_what_is_asked_for_is_said(plan: Plan, words: str) -> None:
    assert asked(plan) == words
