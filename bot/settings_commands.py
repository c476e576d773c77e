"""The commands ``ai-trader settings``: show, change and look back at the risk settings."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.options import Home


def build(
    read: Callable[[Path | None], Any],
    run: Callable[[Coroutine[Any, Any, Any]], Any],
    say: Callable[[str], None],
) -> typer.Typer:
    """The sub-commands, over the ways the terminal reads its settings, runs work and prints."""
    app = typer.Typer(help="Show or change the limits and the other risk settings.")

    @app.callback(invoke_without_command=True)
    def show(context: typer.Context, home: Home = None) -> None:
        """Show every risk setting: its name, its value, what it may be, what it means."""
        from bot import settings_reports

        if context.invoked_subcommand is None:
            run(settings_reports.show(read(home), say=say))

    @app.command(name="set")
    def set_(
        changes: Annotated[
            list[str], typer.Argument(metavar="NAME=VALUE...", help="Any number at once.")
        ],
        reason: Annotated[str, typer.Option("--reason", help="Why; the history keeps it.")],
        home: Home = None,
    ) -> None:
        """Put other values in force, at once and together."""
        from bot import settings_reports

        run(settings_reports.change(read(home), changes, reason=reason, say=say))

    @app.command()
    def history(
        limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 20,
        home: Home = None,
    ) -> None:
        """Show who changed what, when and why, newest first."""
        from bot import settings_reports

        run(settings_reports.history(read(home), limit=limit, say=say))

    @app.command()
    def diff(
        first: Annotated[int, typer.Argument(metavar="V1", min=1)],
        second: Annotated[int, typer.Argument(metavar="V2", min=1)],
        home: Home = None,
    ) -> None:
        """Show what is different between version V1 and V2."""
        from bot import settings_reports

        run(settings_reports.compare(read(home), first, second, say=say))

    @app.command()
    def rollback(
        version: Annotated[int, typer.Argument(metavar="VERSION", min=1)],
        reason: Annotated[str | None, typer.Option("--reason", help="Why; it is kept.")] = None,
        home: Home = None,
    ) -> None:
        """Put the values of an older version in force, as a new one."""
        from bot import settings_reports

        run(settings_reports.roll_back(read(home), version, reason=reason, say=say))

    return app
