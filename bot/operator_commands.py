"""The commands ``ai-trader command``: give one, list them, look at one (source 002)."""

from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home

command = typer.Typer(
    name="command", help="Queue a command for the workers, and see its end.", no_args_is_help=True
)


@command.command()
def enqueue(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            help="PAUSE_PAIR RESUME_PAIR PAUSE_ALL RESUME_ALL CLOSE_PAIR CLOSE_ALL RELOAD_PARAMS.",
        ),
    ],
    pair: Annotated[str | None, typer.Option("--pair", help="Such as EURUSD.")] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", help="PAPER or LIVE: only on such an account.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="Idempotency key: the same one never has a second effect."),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", help="Seconds to wait for its end.", min=0, max=600)
    ] = 0,
    home: Home = None,
) -> None:
    """Queue a command; the exit code is 1 when it was waited for and FAILED, or did not end."""
    from bot import operator_reports

    _exit(
        _run(
            operator_reports.enqueue(
                _settings(home), kind, pair=pair, mode=mode, key=key, wait=wait, say=_say
            )
        )
    )


@command.command(name="list")
def list_(
    status: Annotated[
        str | None, typer.Option("--status", help="PENDING RUNNING SUCCEEDED FAILED SKIPPED.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 20,
    home: Home = None,
) -> None:
    """List the last commands, the newest first."""
    from bot import operator_reports

    _exit(_run(operator_reports.list_all(_settings(home), status, limit=limit, say=_say)))


@command.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="A command's number.", min=1)],
    home: Home = None,
) -> None:
    """Print everything about a command as a JSON document."""
    from bot import operator_reports

    _exit(_run(operator_reports.show(_settings(home), number, say=_say)))
