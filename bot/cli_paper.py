"""The command ``ai-trader paper``."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home


def paper(
    offline: Annotated[
        Path | None, typer.Option("--offline", help="CSV of candles, named such as eurusd-h1.csv.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="At the prices of BROKER's market, as they come.")
    ] = False,
    export_csv: Annotated[
        Path | None,
        typer.Option("--export-csv", help="Folder for signals_log.csv and trades_log.csv."),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option("--candles", help="Of a file: stop after so many; the next run goes on."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Of a file: the paper trading checklist at the end."),
    ] = False,
    port: Annotated[int | None, typer.Option("--port", help="Live: port of the chat page.")] = None,
    telegram: Annotated[
        bool, typer.Option("--telegram", help="Live: the chat of TELEGRAM_BOT_TOKEN, not a page.")
    ] = False,
    home: Home = None,
) -> None:
    """Run the loop on paper, over a file or on live prices, from where the last run stopped."""
    from bot import paper_reports
    from bot.processes import until_stopped

    if (offline is not None) is live:
        raise typer.BadParameter("give --offline FILE, or --live")
    settings = _settings(home)
    if offline is not None:
        work = paper_reports.offline(
            settings, offline, export=export_csv, most=most, check=check, say=_say
        )
        _exit(_run(work))
        return
    if most is not None or check:
        raise typer.BadParameter("--candles and --check belong to --offline; /paper shows the list")
    _run(
        until_stopped(
            paper_reports.live(settings, export=export_csv, port=port, telegram=telegram, say=_say)
        )
    )
    _say("Stopped. The same command goes on where this ended.")
