"""The commands ``ai-trader login`` and ``ai-trader key``: who comes in over HTTP."""

from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home

key = typer.Typer(name="key", help="Make, list and revoke keys for machines.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(metavar="ID", help="Telegram's number of a person: /whoami.")]


def login(
    who: Id,
    email: Annotated[str, typer.Option("--email", help="The address they log in with.")],
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            confirmation_prompt=True,
            hide_input=True,
            help="Better typed when it is asked for: a command line is seen by others.",
        ),
    ],
    home: Home = None,
) -> None:
    """Give a person an address and a password for the HTTP API; their sessions end."""
    from bot import access_reports

    _exit(_run(access_reports.set_login(_settings(home), who, email, password, say=_say)))


@key.command()
def add(
    who: Id,
    name: Annotated[str, typer.Option("--name", help="What the key is for.")],
    role: Annotated[str, typer.Option("--role", help="The most it may: viewer, trader, admin.")] = (
        "viewer"
    ),
    days: Annotated[int, typer.Option("--days", help="For how long; 0 until it is revoked.")] = 90,
    home: Home = None,
) -> None:
    """Make a key that acts for a person; it is shown this once."""
    from bot import access_reports

    _exit(_run(access_reports.add_key(_settings(home), who, name, role, days, say=_say)))


@key.command(name="list")
def list_(home: Home = None) -> None:
    """List every key that was not revoked."""
    from bot import access_reports

    _exit(_run(access_reports.list_keys(_settings(home), say=_say)))


@key.command()
def revoke(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As the list shows it.")],
    home: Home = None,
) -> None:
    """Revoke a key: it opens nothing more."""
    from bot import access_reports

    _exit(_run(access_reports.revoke_key(_settings(home), number, say=_say)))
