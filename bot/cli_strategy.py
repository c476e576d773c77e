"""The commands ``ai-trader strategy``: strategies read, checked, edited and switched."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import _exit, _guard, _run, _say, _settings
from bot.options import Home

strategy = typer.Typer(
    name="strategy", help="Read, check, edit and switch strategies.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="A strategy's name, such as ema-trend.")]
File = Annotated[Path, typer.Argument(help="A rule document; docs/strategies.md says what is in.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the version.")]


@strategy.command(name="list")
def list_(home: Home = None) -> None:
    """List the strategies."""
    from bot import strategy_reports

    _exit(_run(strategy_reports.list_all(_settings(home), say=_say)))


@strategy.command()
def show(name: Name, home: Home = None) -> None:
    """Print a strategy's document, to be edited."""
    from bot import strategy_reports

    _exit(_run(strategy_reports.show(_settings(home), name, say=_say)))


@strategy.command()
def versions(name: Name, home: Home = None) -> None:
    """List a strategy's versions: who, when, why."""
    from bot import strategy_reports

    _exit(_run(strategy_reports.versions(_settings(home), name, say=_say)))


@strategy.command()
def diff(
    name: Name,
    first: Annotated[int | None, typer.Argument(metavar="[V1]", min=1)] = None,
    second: Annotated[int | None, typer.Argument(metavar="[V2]", min=1)] = None,
    home: Home = None,
) -> None:
    """Show what changed from version V1 to V2: in the last edit, unless they are given."""
    from bot import strategy_reports

    if (first is None) is not (second is None):
        raise typer.BadParameter("give two versions, or none for the last edit")
    _exit(_run(strategy_reports.compare(_settings(home), name, first, second, say=_say)))


@strategy.command()
def rollback(
    name: Name,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1)],
    reason: Annotated[str | None, typer.Option("--reason", help="Why; it is kept.")] = None,
    home: Home = None,
) -> None:
    """Make the document of an older version the strategy's next one."""
    from bot import strategy_reports

    _exit(_run(strategy_reports.roll_back(_settings(home), name, version, reason, say=_say)))


@strategy.command()
def edit(name: Name, file: File, reason: Reason, home: Home = None) -> None:
    """Make a document the strategy's next version."""
    from bot import strategy_reports

    _exit(_run(strategy_reports.edit(_settings(home), name, file, reason, say=_say)))


@strategy.command()
def add(file: File, reason: Reason, home: Home = None) -> None:
    """Add a strategy; it starts switched off."""
    from bot import strategy_reports

    _exit(_run(strategy_reports.add(_settings(home), file, reason, say=_say)))


@strategy.command()
def on(name: Name, reason: Reason, home: Home = None) -> None:
    """Turn a strategy on."""
    from bot import strategy_reports

    _exit(_run(strategy_reports.switch(_settings(home), name, reason, on=True, say=_say)))


@strategy.command()
def off(name: Name, reason: Reason, home: Home = None) -> None:
    """Turn a strategy off."""
    from bot import strategy_reports

    _exit(_run(strategy_reports.switch(_settings(home), name, reason, on=False, say=_say)))


@strategy.command()
def check(file: File) -> None:
    """Say every mistake of a document; nothing is stored."""
    from bot import strategy_reports

    _exit(_guard(lambda: strategy_reports.check(file, say=_say)))
