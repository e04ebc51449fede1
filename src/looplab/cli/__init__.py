"""The command `looplab`: arguments and wiring only."""

from typing import NoReturn

from .signals import end_in_good_order


def main() -> NoReturn:
    """Run the command line. A Ctrl-C while the modules are imported is a quiet end already."""
    end_in_good_order()
    from .main import run

    run()


__all__ = ["main"]
