"""The commands ``ai-trader user``: who may do what, for when no admin is left in the chat."""

from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home

user = typer.Typer(name="user", help="List people and change their roles.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(metavar="ID", help="Telegram's number of a person: /whoami.")]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="viewer, trader or admin.")]


@user.command(name="list")
def list_(home: Home = None) -> None:
    """List everyone; who waits to be let in comes first."""
    from bot import user_reports

    _exit(_run(user_reports.list_all(_settings(home), say=_say)))


@user.command()
def add(
    who: Id,
    role: Annotated[str, typer.Option("--role", help="viewer, trader or admin.")],
    name: Annotated[str, typer.Option("--name", help="What they are called in the history.")],
    language: Annotated[str, typer.Option("--language", help="en es pt-BR de ru ar.")] = "en",
    home: Home = None,
) -> None:
    """Let somebody in who has not written to the bot; they still have to press Start."""
    from bot import user_reports

    _exit(_run(user_reports.add(_settings(home), who, name, role, language, say=_say)))


@user.command()
def role(who: Id, to: Role, home: Home = None) -> None:
    """Give somebody another role; this also lets in who waits."""
    from bot import user_reports

    _exit(_run(user_reports.change(_settings(home), who, to, say=_say)))


@user.command()
def remove(who: Id, home: Home = None) -> None:
    """Take somebody's access away; nothing that is queued for them is sent."""
    from bot import user_reports

    _exit(_run(user_reports.change(_settings(home), who, "refused", say=_say)))
