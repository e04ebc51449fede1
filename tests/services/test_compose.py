"""compose.yaml, as far as no engine is needed: its structure, and that it says what looplab says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from looplab.services import address
from looplab.services.settings import options

FILE = Path(__file__).parents[2] / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def postgres(compose: dict[str, Any]) -> dict[str, Any]:
    service: dict[str, Any] = compose["services"]["postgres"]
    return service


def test_it_has_one_service_and_its_volume(compose: dict[str, Any], postgres: dict[str, Any]) -> None:
    assert set(compose) == {"name", "services", "volumes"}
    assert set(compose["services"]) == {"postgres"}
    name, place = postgres["volumes"][0].split(":")
    assert len(postgres["volumes"]) == 1
    assert name in compose["volumes"]
    assert place == "/var/lib/postgresql"


def test_its_port_is_reached_from_this_machine_alone(postgres: dict[str, Any]) -> None:
    assert [port.split(":")[0] for port in postgres["ports"]] == ["127.0.0.1"]
    assert postgres["ports"][0].endswith(":5432")
    assert "network_mode" not in postgres


def test_it_is_healthy_when_the_database_answers(postgres: dict[str, Any]) -> None:
    check = postgres["healthcheck"]
    assert check["test"][:2] == ["CMD", "pg_isready"]
    assert f"--dbname={postgres['environment']['POSTGRES_DB']}" in check["test"]
    assert f"--username={postgres['environment']['POSTGRES_USER']}" in check["test"]
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


def test_it_has_the_settings_of_the_embedded_server(postgres: dict[str, Any]) -> None:
    assert postgres["command"] == ["postgres", *options()]


def test_the_address_in_its_comment_is_the_right_one(postgres: dict[str, Any]) -> None:
    given = postgres["environment"]
    port = postgres["ports"][0].split(":")[1]
    place = f"127.0.0.1:{port}/{given['POSTGRES_DB']}"
    url = f"postgresql://{given['POSTGRES_USER']}:{given['POSTGRES_PASSWORD']}@{place}"
    assert f"export {address.URL}={url}\n" in FILE.read_text(encoding="utf-8")
    assert address.check(url) == url
