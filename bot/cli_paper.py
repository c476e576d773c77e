"""The command ``ai-trader paper``."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home


def paper(
    offline: Annotated[
        Path, typer.Option("--offline", help="CSV of candles, named such as eurusd-h1.csv.")
    ],
    export_csv: Annotated[
        Path | None,
        typer.Option("--export-csv", help="Folder for signals_log.csv and trades_log.csv."),
    ] = None,
    most: Annotated[
        int | None, typer.Option("--candles", help="Stop after so many; the next run goes on.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Go through the paper trading checklist at the end.")
    ] = False,
    home: Home = None,
) -> None:
    """Run the loop on paper over a file, from where the last run stopped."""
    from bot import paper_reports

    settings = _settings(home)
    work = paper_reports.offline(
        settings, offline, export=export_csv, most=most, check=check, say=_say
    )
    _exit(_run(work))
