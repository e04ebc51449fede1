"""The requests that an OpenAPI document describes."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from fastapi import Cookie, FastAPI, Header, Path, Query
from pydantic import BaseModel, Field

from looplab.scenario.openapi import NoDocument, Route, routes


class Maker(BaseModel):
    name: str = Field(min_length=3)
    parent: Maker | None = None


class Item(BaseModel):
    name: str = Field(examples=["lamp"])
    price: float = Field(gt=0)
    size: Literal["S", "M"]
    maker: Maker
    tags: list[str]
    note: str | None = None


def shop() -> list[Route]:
    app = FastAPI()

    @app.delete("/items/{item}")
    async def drop(item: int) -> None: ...

    @app.get("/items/{item}")
    async def item(item: Annotated[int, Path(ge=3)], q: str | None = None) -> None: ...

    @app.get("/search", summary="Look for it")
    async def search(
        text: str,
        limit: Annotated[int, Query(ge=10)],
        kind: Annotated[list[str], Query()],
        token: Annotated[str, Header()],
        session: Annotated[str, Cookie(examples=["abc"])],
    ) -> None: ...

    @app.post("/items")
    async def create(item: Item) -> None: ...

    document = app.openapi()
    form = {"schema": {"properties": {"name": {"type": "string"}}, "required": ["name"]}}
    body = {"content": {"application/x-www-form-urlencoded": form}}
    document["paths"]["/login"] = {"post": {"requestBody": body}}
    return routes(json.dumps(document))


def test_routes_that_read_come_first() -> None:
    found = shop()
    assert [route.title for route in found] == [
        *("GET /items/{item}", "GET /search"),
        *("DELETE /items/{item}", "POST /items", "POST /login"),
    ]
    assert [route.reads for route in found] == [True, True, False, False, False]
    assert found[1].summary == "Look for it"


def test_values_are_those_of_the_schemas() -> None:
    item, search, drop, create, login = (route.spec for route in shop())
    assert (item.name, item.path, drop.path) == ("/items/3", "/items/3", "/items/1")
    assert search.path == "/search?text=a&limit=10&kind=a"
    assert search.headers == {"token": "a", "cookie": "session=abc"}
    assert create.json == {
        "name": "lamp",
        "price": 0.5,
        "size": "S",
        "maker": {"name": "aaa"},
        "tags": ["a"],
    }
    assert (login.body, login.headers) == ("name=a", {"content-type": "application/x-www-form-urlencoded"})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "maximum": -5}, "-5"),
        ({"type": "integer", "exclusiveMinimum": 7}, "8"),
        ({"type": "integer", "minimum": 7, "exclusiveMinimum": True}, "8"),
        ({"type": "integer", "minimum": 7, "multipleOf": 5}, "10"),
        ({"type": "number", "exclusiveMaximum": 1}, "0.5"),
        ({"type": "boolean"}, "true"),
        ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000001"),
        ({"type": "string", "default": "a b/c"}, "a%20b%2Fc"),
        ({"type": ["null", "integer"]}, "1"),
        ({"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 2}]}, "2"),
        ({"allOf": [{"$ref": "#/components/schemas/Id"}]}, "42"),
        ({"$ref": "#/components/schemas/Missing"}, ""),
        ({"$ref": "#/components/schemas/Loop"}, ""),
    ],
)
def test_a_value_fits_its_schema(schema: dict[str, Any], value: str) -> None:
    loop = {"allOf": [{"$ref": "#/components/schemas/Loop"}]}
    document = {
        "servers": [{"url": "/v1/"}],
        "components": {"schemas": {"Id": {"type": "integer", "example": 42}, "Loop": loop}},
        "paths": {"/a/{id}": {"parameters": [{"name": "id", "in": "path", "schema": schema}], "get": {}}},
    }
    [route] = routes(json.dumps(document))
    assert route.spec.path == f"/v1/a/{value}"


def test_the_documentation_itself_is_no_route() -> None:
    paths = {"/openapi.json": {"get": {}}, "/docs": {"get": {}}, "no path": {"get": {}}, "/a": {"get": 1}}
    assert routes(json.dumps({"paths": paths})) == []


@pytest.mark.parametrize("text", ["<html>", "[]", '{"a": 1}', '{"paths": []}'])
def test_what_is_no_document_is_told(text: str) -> None:
    with pytest.raises(NoDocument, match=r"it (is no JSON|has no paths)"):
        routes(text)
