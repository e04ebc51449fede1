"""`looplab serve`: the same screen in a browser, for this machine only."""

from __future__ import annotations

import errno
import os
import shlex
import socket
import sys
from importlib.util import find_spec

import click

from looplab.scenario import find

from .settings import complete_scenario

MEND = "the browser needs textual-serve. Mend: pip install 'looplab[serve]'"


@click.command()
@click.argument("scenario", required=False, shell_complete=complete_scenario)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65_535),
    default=8_000,
    show_default=True,
    help="Port of 127.0.0.1; 0 takes a free one.",
)
def serve(scenario: str | None, port: int) -> None:
    """Show the screen in a browser on this machine.

    Each tab is a lab of its own, with its own server and traffic. Ctrl-C ends all of them.
    """
    if scenario is not None:
        find(scenario)
    if find_spec("textual_serve") is None:
        raise click.ClickException(MEND)
    # Only here: whoever does not serve needs neither.
    from looplab.view.web.server import HOST, Site

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            why = "is taken" if error.errno == errno.EADDRINUSE else "may not be used"
            raise click.ClickException(
                f"port {port} {why}; name another with --port N, 0 takes a free one"
            ) from None
        # The shell that textual-serve starts becomes the lab.
        words = [sys.executable, "-m", "looplab", *([scenario] if scenario is not None else [])]
        site = Site(listening, f"exec {shlex.join(words)}")
        # The terminal in the browser has all colours, whatever this one has.
        os.environ["COLORTERM"] = "truecolor"
        click.echo(f"looplab in a browser: {site.address}")
        click.echo("Each tab is a lab of its own. Ctrl-C ends all.")
        site.run()
