"""The command ``ai-trader backtest``."""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import _exit, _guard, _run, _say, _settings
from bot.options import Home
from engine.domain.backtest import Costs, Resume, Wish
from engine.errors import InvalidInput


def backtest(
    file: Annotated[
        Path | None, typer.Option("--file", help="CSV of candles; without it the shipped ones.")
    ] = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", help="Stored candles of it, or what the file holds.")
    ] = None,
    timeframe: Annotated[
        str | None, typer.Option("--timeframe", help="M1 M5 M15 M30 H1 H4 D1.")
    ] = None,
    utc_offset: Annotated[
        float | None, typer.Option("--utc-offset", help="Hours the file's times are ahead of UTC.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="First day, 2017-05-01.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, 2017-12-31.")] = None,
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="Only this one, on or off.")
    ] = None,
    draft: Annotated[
        Path | None, typer.Option("--draft", help="A rule document that is not stored.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--with", help="A setting to try: name=value.")
    ] = None,
    costs: Annotated[
        list[str] | None,
        typer.Option(
            "--cost",
            help="spread_pips slippage_pips commission_per_lot swap_long swap_short leverage "
            "latency_ms: name=value.",
        ),
    ] = None,
    balance: Annotated[str, typer.Option("--balance", help="The account's start.")] = "10000",
    resume: Annotated[
        Resume, typer.Option("--resume", help="When a halt is lifted.")
    ] = Resume.DAILY,
    approve: Annotated[
        bool, typer.Option("--approve/--no-approve", help="Take ideas that wait as approved.")
    ] = True,
    calendar: Annotated[
        Path | None, typer.Option("--calendar", help="CSV of releases of these candles.")
    ] = None,
    quiet_news: Annotated[
        bool, typer.Option("--quiet-news", help="Assume that there were no news.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report here.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Folder for trades_log.csv and signals_log.csv.")
    ] = None,
    stream: Annotated[
        Path | None, typer.Option("--stream", help="Write every decision here.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the report as JSON here.")
    ] = None,
    model: Annotated[
        int | None, typer.Option("--model", help="The registered model to ask, by its number.")
    ] = None,
    look_ahead: Annotated[
        bool,
        typer.Option("--check-look-ahead", help="Say which condition looks into the future."),
    ] = False,
    language: Annotated[str, typer.Option("--language", help="en es pt_BR de ru ar.")] = "en",
    home: Home = None,
) -> None:
    """Play history through the live pipeline, with costs, and report what came of it."""
    from bot import backtest_reports, backtesting
    from bot import look_ahead as checker
    from bot.reports import pair

    settings = _settings(home)

    def work() -> int:
        offset = None if utc_offset is None else timedelta(hours=utc_offset)
        past: Any
        if file is not None:
            past = backtesting.of_file(file, symbol, timeframe, offset)
        elif symbol is None:
            past = backtesting.shipped()
        else:
            past = _run(backtest_reports.stored(settings, symbol, _timeframe(timeframe)))
        wish = Wish(
            symbol=symbol or past.columns.symbol,
            timeframe=past.columns.timeframe,
            strategy=strategy,
            since=_day(since),
            until=_day(until, 1),
            costs=Costs(**{name: _number(text) for name, text in _pairs(pair, costs, _COSTS)}),
            balance=_number(balance),
            resume=resume,
            approves=approve,
            quiet=quiet_news,
            changes=tuple(_pairs(pair, changes, None)),
        )
        own = None if draft is None else backtest_reports.draft_of(draft)
        book = _run(backtest_reports.book_of(settings, own, say=_say))
        loaded = _run(backtest_reports.model_of(settings, book, wish, model))
        if look_ahead:
            return checker.check(
                settings, book, past, wish, calendar=calendar, model=loaded, language=language,
                say=_say, progress=_progress,
            )  # fmt: skip
        return backtest_reports.run(
            settings, book, past, wish, calendar=calendar, model=loaded, language=language,
            say=_say, progress=_progress,
            outputs=backtest_reports.Outputs(html=html, csv=csv, stream=stream, json=json),
        )  # fmt: skip

    _exit(_guard(work))


_COSTS = tuple(Costs.__dataclass_fields__)


def _pairs(
    pair: Any, texts: list[str] | None, known: tuple[str, ...] | None
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = [pair(text, "name=value") for text in texts or ()]
    for name, _ in found:
        if known is not None and name not in known:
            raise InvalidInput(f"there is no cost {name!r}; there are {', '.join(known)}")
    return found


def _timeframe(text: str | None) -> Any:
    from engine.domain.market import Timeframe

    if text is None:
        return None
    if text not in list(Timeframe):
        raise InvalidInput(f"say which candles: --timeframe, of {', '.join(Timeframe)}")
    return Timeframe(text)


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise InvalidInput(f"{text[:40]!r} is no number") from error
    if not number.is_finite():
        raise InvalidInput(f"{text[:40]!r} is no number")
    return number


def _day(text: str | None, more: int = 0) -> datetime | None:
    """A day's beginning in UTC; ``more`` days later."""
    if text is None:
        return None
    try:
        day = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text[:40]!r} is no day; write 2017-05-01") from error
    day = day.replace(tzinfo=UTC) if day.tzinfo is None else day.astimezone(UTC)
    return day + timedelta(days=more)


def _progress(line: str) -> None:
    """One line on a terminal, written over; nothing where nobody looks."""
    if sys.stderr.isatty():
        typer.echo(f"\r\x1b[2K{line}", err=True, nl=False)
