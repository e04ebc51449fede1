"""Asks a server that runs for its OpenAPI document."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

from looplab.scenario.openapi import NoDocument, Route, routes

PLACES = ("/openapi.json", "/schema/openapi.json", "/api/openapi.json")
"""Where it is under FastAPI, Litestar, and what people write by hand."""

ANSWER_S = 10.0
"""Time for each answer: the first one of an app may be slow."""

MOST_BYTES = 20_000_000


def ask(address: str, headers: Mapping[str, str]) -> list[Route]:
    """Give the routes of the app at an address, `127.0.0.1:41873`, at least one.

    It blocks, for as long as the server takes.

    Raises:
        NoDocument: it has none that can be read.
    """
    host, _, port = address.partition(",")[0].rpartition(":")
    said = ""
    for place in PLACES:
        connection = http.client.HTTPConnection(host, int(port), timeout=ANSWER_S)
        try:
            connection.request("GET", place, headers=dict(headers))
            answer = connection.getresponse()
            if answer.status == http.client.OK:
                if found := routes(answer.read(MOST_BYTES)):
                    return found
                raise NoDocument("it has no routes")
            said = said or f"{place} answers {answer.status}"
        except NoDocument as reason:
            said = f"{place}: {reason}"
        except (OSError, http.client.HTTPException) as error:
            raise NoDocument(f"{place}: {error or type(error).__name__}") from None
        finally:
            connection.close()
    raise NoDocument(said)
