"""`looplab export SCENARIO`: the script of another load generator, for people who have their own rig."""

from __future__ import annotations

from urllib.parse import urlsplit

from looplab.lab import Selection
from looplab.scenario import ScenarioError

from .equivalents import TOOLS, server_command

_COMMENT = {"k6": "//"}
"""How a comment begins, where not by `#`."""

_SUFFIX = {"k6": ".js", "locust": ".py"}
"""Of the files that a tool reads itself."""


def write(selection: Selection, tool: str, url: str, file: str = "") -> tuple[str, list[str]]:
    """Write the script.

    Args:
        selection: whose traffic.
        tool: a name of `equivalents.TOOLS`.
        url: the server, without a path.
        file: where it goes; empty if that is not known.

    Returns:
        The script, and what it does not carry, which stands in it as comments too.

    Raises:
        ScenarioError: the tool cannot make this traffic.
    """
    plan, variant = selection.plan, selection.variant
    name = f"{selection.scenario.id} › {variant.id}"
    if plan.phases:
        raise ScenarioError(f"{name}: its traffic has {len(plan.phases)} phases, and a script is one plan")
    suffix = _SUFFIX.get(tool, "")
    stem = file.removesuffix(suffix) if file and suffix else f"{selection.scenario.id}-{variant.id}"
    found = TOOLS[tool](plan, url, stem)
    if not found.script:
        raise ScenarioError(f"{name}: not possible with {tool}: {'; '.join(found.notes)}")
    notes = list(found.notes)
    if plan.warmup:
        notes.append(
            f"the plan has a warm-up of {plan.warmup:g} s before it, and leaves it out of its figures"
        )
    if variant.instances > 1:
        notes.append(f"looplab balances over {variant.instances} servers of this kind; this talks to one")
    head = [f"Traffic of looplab: {name}"]
    head += [f"Run it with: {found.typed}"] if found.typed else []
    services = selection.scenario.services
    parts = urlsplit(url)
    if parts.scheme == "http" and not services.postgres and services.upstream is None:
        head.append(f"Its server: {server_command(selection, parts.port or 80)}")
    mark = _COMMENT.get(tool, "#")
    lines = [f"{mark} {line}" for line in [*head, *notes]]
    if not found.content:
        lines.insert(0, "#!/bin/sh")
    return "\n".join([*lines, "", (found.content or found.script).rstrip(), ""]), notes
