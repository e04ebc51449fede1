"""`looplab bench --explain`: what to type so that other load generators make the same traffic.

Whoever doubts a figure of looplab can check it with a tool that he trusts.
"""

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Sequence
from pathlib import Path

from looplab.lab import Selection
from looplab.scenario import knob_environment
from looplab.traffic.plan import Plan

from .tools import Equivalent, ab, k6, locust, oha, wrk

PORT = 8000
URL = f"http://127.0.0.1:{PORT}"

TOOLS = {"wrk": wrk, "ab": ab, "oha": oha, "k6": k6, "locust": locust}
"""Writers by the name of the tool."""

INDENT = "  "
WIDTH = 100
"""Columns of a note; commands are never broken."""


def equivalents(plan: Plan, url: str, stem: str) -> list[Equivalent]:
    """Give what to type for each tool.

    Args:
        plan: traffic without phases.
        url: the server, without a path.
        stem: begin of the names of the files that the commands write.
    """
    return [write(plan, url, stem) for write in TOOLS.values()]


def explain(selections: Sequence[Selection]) -> str:
    """Write for each selection how to start its server by hand, and the commands of each tool."""
    return "\n".join(line.rstrip() for selection in selections for line in _lines(selection))


def server_command(selection: Selection, port: int = PORT) -> str:
    """Write the command that starts a variant's server without looplab, at a port of this machine."""
    variant = selection.variant
    folder = selection.scenario.folder
    here = Path.cwd()
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    knobs = [f"{name}={value}" for name, value in knob_environment(selection.knobs).items()]
    if variant.server == "gunicorn":
        words = ["python", "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(variant.workers)]
        words += ["--threads", str(variant.threads)]
        if variant.worker_connections is not None:
            words += ["--worker-connections", str(variant.worker_connections)]
    else:
        words = ["python", "-m", "uvicorn", "--port", str(port), "--workers", str(variant.workers)]
        words += ["--loop", variant.loop, "--no-access-log"]
    return f"cd {shlex.quote(os.fspath(shown))} && {shlex.join([*knobs, *words, variant.app])}"


def _lines(selection: Selection) -> list[str]:
    variant = selection.variant
    title = f"{selection.scenario.id} › {variant.id}"
    lines = [title, "=" * len(title), "", "server", *_indented(server_command(selection))]
    services = selection.scenario.services
    if services.postgres or services.upstream is not None:
        lines += _note(
            "its services run with the lab only: open it in looplab, stop the traffic with s, and aim the "
            "commands at the address in the first row"
        )
    if variant.instances > 1:
        lines += _note(
            f"looplab balances over {variant.instances} servers of this kind; the commands below talk to one"
        )
    lines.append("")
    for number, plan in enumerate(selection.plan.sequence):
        stem = f"{selection.scenario.id}-{variant.id}"
        if selection.plan.phases:
            name = plan.name or f"phase {number + 1}"
            stem = f"{stem}-{number + 1}"
            lines += [f"phase {number + 1}: {name}", ""]
        if plan.warmup:
            lines += [f"Run each for {plan.warmup:g} s first and drop what it says: the plan's warm-up.", ""]
        for found in equivalents(plan, URL, stem):
            lines.append(found.tool)
            lines += _indented(found.script)
            for text in found.notes:
                lines += _note(text if found.script else f"not possible: {text}")
            lines.append("")
    return lines


def _indented(script: str) -> list[str]:
    # A here-document must stand at the margin to be pasted as it is.
    return script.splitlines() if "<<" in script else [f"{INDENT}{line}" for line in script.splitlines()]


def _note(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{INDENT}# ", subsequent_indent=f"{INDENT}#   ")
