"""A group of commands whose default is to open a scenario: `looplab one-keyword` beside `looplab list`."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

DEFAULT = "open"


class Commands(click.Group):
    """Whatever does not name a command is for the default one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the default command where none is given."""
        asks = args[:1] in (["--help"], ["--version"])
        known = bool(args) and args[0] in self.commands
        # A shell that completes the first word may mean a command as well.
        completes = ctx.resilient_parsing and not args
        return super().parse_args(ctx, args if asks or known or completes else [DEFAULT, *args])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer commands and scenarios, and the options of both."""
        offered = super().shell_complete(ctx, incomplete)
        default = self.commands[DEFAULT]
        with click.Context(default, parent=ctx, info_name=DEFAULT, resilient_parsing=True) as inner:
            if incomplete.startswith("-"):
                return offered + [
                    item
                    for item in default.shell_complete(inner, incomplete)
                    if item.value not in {other.value for other in offered}
                ]
            for param in default.params:
                if isinstance(param, click.Argument):
                    offered += param.shell_complete(inner, incomplete)
        return offered

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show both ways to call it."""
        formatter.write_usage(ctx.command_path, "[SCENARIO] [--variant V] [--set NAME=VALUE]…")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGUMENTS]…", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options of the default command and of the group, then the commands."""
        params = [*self.commands[DEFAULT].params, *self.get_params(ctx)]
        options = [param for param in params if isinstance(param, click.Option)]
        with formatter.section("Options"):
            formatter.write_dl([record for option in options if (record := option.get_help_record(ctx))])
        self.format_commands(ctx, formatter)


def usage_line(error: click.UsageError) -> str:
    """Say a usage error in one line, with the place that tells more."""
    text = error.format_message().replace("\n", " ").rstrip(".")
    path = error.ctx.command_path if error.ctx is not None else "looplab"
    return f"{text[:1].lower()}{text[1:]} (see {path.removesuffix(f' {DEFAULT}')} --help)"
