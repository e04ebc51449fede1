"""Before a run without a screen: which routes an app of one's own has."""

from __future__ import annotations

from msgspec.structs import replace

from looplab.lab import Lab, Selection
from looplab.lab.document import ask
from looplab.scenario.openapi import NoDocument
from looplab.traffic.plan import RequestSpec

from .runner import start


def reading(selection: Selection) -> tuple[list[RequestSpec], str]:
    """Start the app, and ask it for its routes.

    Returns:
        GET requests for all that it has, each once; and why there are none.

    Raises:
        RunError: the app did not start.
    """
    lab = Lab()
    lab.open()
    try:
        address = start(lab, replace(selection, waits=True))
        routes = ask(address, selection.plan.mix[0].headers)
    except NoDocument as reason:
        return [], f"no OpenAPI document: {reason}"
    finally:
        lab.close()
    found = {route.spec.name: route.spec for route in routes if route.spec.method == "GET"}
    return list(found.values()), "the OpenAPI document has no GET route"
