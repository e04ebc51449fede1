"""Variables, JSON bodies and the mix: what reaches the server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traffic_help import Received, burst, driving, serving

from looplab.traffic.errors import JobError
from looplab.traffic.plan import Plan, RequestSpec, Target, Variable
from looplab.traffic.requests import Mix, Prepared
from looplab.traffic.template import Template, split, split_json
from looplab.wire.control import Burst

TARGETS = [Target("127.0.0.1", 80)]


async def sent_by(plan: Plan) -> list[Received]:
    async with serving() as server, driving(plan, server.port) as drive:
        await drive.over()
        return sorted(server.requests, key=lambda request: request.rid)


def only(**more: object) -> list[RequestSpec]:
    return [RequestSpec(**more)]


def test_variables_stand_in_path_headers_and_body(run) -> None:
    plan = burst(
        20,
        2,
        seed=4,
        mix=only(
            method="POST", path="/books/{id}?q={word}", headers={"x-id": "n{id}"}, body="{id}: {other} {word}"
        ),
        variables={"id": Variable(range=[5, 9]), "word": Variable(choice=["a b", "ö", "c&d"])},
    )

    async def body() -> None:
        requests = await sent_by(plan)
        assert {request.headers["x-id"] for request in requests} == {f"n{id}" for id in range(5, 10)}
        for request in requests:
            id, rest = request.body.decode().split(": ")
            assert request.headers["x-id"] == f"n{id}"
            assert rest.startswith("{other} "), "what is no variable is text"
            word = {"a b": "a%20b", "ö": "%C3%B6", "c&d": "c&d"}[rest.removeprefix("{other} ")]
            assert request.path == f"/books/{id}?q={word}"
            assert int(request.headers["content-length"]) == len(request.body)

    run(body())


def test_json_bodies_keep_their_types(run) -> None:
    document = {
        "title": 'a "{what}" book',
        "pages": "{n}",
        "what": "{what}",
        "tags": ["x", 1, 2.5, True, {"{n}": "{n}-{n}"}],
    }
    plan = burst(
        6,
        1,
        mix=only(method="PUT", json=document),
        variables={"n": Variable(sequence=[10, 5]), "what": Variable(choice=['"q"', "ü\n"])},
    )

    async def body() -> None:
        for turn, request in enumerate(await sent_by(plan)):
            n = 10 + 5 * turn
            assert request.headers["content-type"] == "application/json"
            found = json.loads(request.body)
            what = found["what"]
            assert what in ('"q"', "ü\n")
            assert found == {
                "title": f'a "{what}" book',
                "pages": n,
                "what": what,
                "tags": ["x", 1, 2.5, True, {"{n}": f"{n}-{n}"}],
            }

    run(body())


def test_a_json_body_without_variables(run) -> None:
    async def body() -> None:
        spec = RequestSpec(method="POST", json=[], headers={"Content-Type": "application/x"})
        (request,) = await sent_by(burst(1, 1, mix=[spec]))
        assert (request.body, request.headers["content-type"]) == (b"[]", "application/x")

    run(body())


def test_a_unique_variable_differs_between_users_and_stays_with_each(run) -> None:
    async def hold(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No\r\n\r\n")

    async def body() -> None:
        plan = burst(60, 6, mix=only(path="/{me}"), variables={"me": Variable(unique=True)})
        async with serving(hold) as server, driving(plan, server.port) as drive:
            await drive.over()
            users = {request.client: request.user for request in drive.done}
            assert all(request.path == f"/{users[request.rid]}" for request in server.requests)
            assert {request.path for request in server.requests} == {f"/{number}" for number in range(6)}

    run(body())


def test_the_same_seed_gives_the_same_values_also_for_the_next_burst(run) -> None:
    def plan(seed: int) -> Plan:
        return burst(20, 1, seed=seed, mix=only(path="/{n}"), variables={"n": Variable(range=[0, 10**9])})

    async def twice(seed: int) -> tuple[list[str], list[str]]:
        async with serving() as server, driving(plan(seed), server.port) as drive:
            await drive.over()
            drive.course.take(Burst(0, 0))
            await drive.over()
            paths = [request.path for request in server.requests]
            return paths[:20], paths[20:]

    async def body() -> None:
        first, again = await twice(1)
        assert first == again
        assert len(set(first)) == 20
        assert (await twice(1))[0] == first
        assert (await twice(2))[0] != first

    run(body())


def kinds(plan: Plan, count: int, generator: int = 0) -> list[Prepared]:
    mix = Mix(plan, TARGETS, generator, 2)
    return [mix.next(0) for _ in range(count)]


def test_generators_have_orders_and_counts_of_their_own() -> None:
    mix = [RequestSpec(path="/a/{n}"), RequestSpec(path="/b", weight=3)]
    plan = burst(1, 1, mix=mix, variables={"n": Variable(sequence=[0, 1])})
    one, two = kinds(plan, 100), kinds(plan, 100, 1)
    assert [request.name for request in one] != [request.name for request in two]
    counted = [
        int(request.before.split(b" ")[1].removeprefix(b"/a/"))
        for request in (*one, *two)
        if request.name == 0
    ]
    assert len(counted) == len(set(counted)), "no number comes twice"


def test_weights_hold_and_can_be_turned() -> None:
    plan = burst(1, 1, mix=[RequestSpec(weight=1), RequestSpec(weight=3), RequestSpec(weight=6)])
    mix = Mix(plan, TARGETS)
    counts = Counter(mix.next(0).name for _ in range(10_000))
    assert [round(counts[name] / 1_000) for name in range(3)] == [1, 3, 6]
    assert mix.set_weights([1, 0, 1]) == ""
    counts = Counter(mix.next(0).name for _ in range(10_000))
    assert [round(counts[name] / 1_000) for name in range(3)] == [5, 0, 5]
    for wrong in ([0, 0, 0], [1, 2], [1, -1, 1], [1, float("nan"), 1]):
        assert mix.set_weights(wrong)
    assert Counter(mix.next(0).name for _ in range(100))[1] == 0, "a wrong order changes nothing"


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        (RequestSpec(headers={"x": "{v}"}), "variable 'v' has a choice that HTTP does not allow"),
        (RequestSpec(path="/{w}"), "there is no variable 'w'"),
        (RequestSpec(json=1, body="x"), "has body or json, not both"),
    ],
)
def test_a_request_that_cannot_be_sent_with_its_values(spec: RequestSpec, word: str) -> None:
    with pytest.raises(JobError, match=word):
        Mix(burst(1, 1, mix=[spec], variables={"v": Variable(choice=["a\r\nb: c"])}), TARGETS)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ),
    st.text(),
)
def test_json_is_json_whatever_the_values(document: object, value: str) -> None:
    template = Template(split_json({"document": document, "value": "{v}", "inside": "<{v}>"}, ["v"]))
    found = json.loads(template.fill({"v": value}))
    assert (found["value"], found["inside"]) == (value, f"<{value}>")
    if "{v}" not in json.dumps(document):
        assert found["document"] == document


@given(st.text())
def test_a_text_without_variables_stays_as_it_is(text: str) -> None:
    assert Template(split(text, [])).fill({}) == text
