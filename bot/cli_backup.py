"""``ai-trader backup`` and ``ai-trader restore``."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home


def backup(
    file: Annotated[
        Path | None, typer.Argument(help="Where to; else a file named by the instant, here.")
    ] = None,
    home: Home = None,
) -> None:
    """Copy the whole database into one file, while it works."""
    from bot import backup_reports

    _exit(_run(backup_reports.make(_settings(home), file, say=_say)))


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `ai-trader backup` wrote.")],
    home: Home = None,
) -> None:
    """Fill an empty database from a backup; trading is stopped until an admin resumes it."""
    from bot import backup_reports

    _exit(_run(backup_reports.bring_back(_settings(home), file, say=_say)))
