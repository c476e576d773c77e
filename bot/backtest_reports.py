"""What ``ai-trader backtest`` does: play history here, and write what came of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from re import sub
from signal import SIGINT, SIGTERM, getsignal, signal
from types import FrameType
from typing import Any

from bot.backtesting import Past, calendar_of, play, signals_log, trades_log
from bot.i18n import LANGUAGES, Words, words_for
from bot.past import past_of
from bot.past_models import Loaded, model_for
from bot.report_page import page, pictures
from bot.reports import CLEAN, Say, open_database_of
from bot.settings import Settings
from bot.views import backtest as views
from engine.domain.backtest import Wish
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import CalendarView
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.research.backtest import Cancelled
from engine.research.plan import Plan, chosen, plan_of
from engine.research.report import Played, Report, report_of
from engine.snapshot.canonical import canonical, plain
from engine.strategies.documents import parse, shipped, strategy_id
from engine.strategies.registry import load as load_setups
from storage.embedded import has_database

#: The exit code of a run that was ended early.
ENDED_EARLY = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Files and folders to write, each None where it is not wanted."""

    html: Path | None = None
    csv: Path | None = None
    stream: Path | None = None
    json: Path | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """The strategies and the settings that are tried."""

    strategies: tuple[Strategy, ...]
    settings: RiskSettings
    version: int


def draft_of(path: Path) -> Strategy:
    """A strategy out of a document that is not stored."""
    load_setups()
    return replace(parse(strategy_id(path.stem), path.read_text("utf-8-sig")), is_active=True)


async def book_of(settings: Settings, draft: Strategy | None, *, say: Say) -> Book:
    """The approved strategies and the settings of now; on a machine that never ran, the shipped
    ones. A draft's document stands alone.
    """
    load_setups()
    if settings.database_url is None and not has_database(settings.ai_trader_home):
        say("No database here: the shipped strategies and the default settings are tried.")
        book = Book(tuple(shipped()), RiskSettings(), 1)
    else:
        async with open_database_of(settings) as world, world.store.begin() as tx:
            version, risk = await tx.settings.risk()
            book = Book(await tx.settings.strategies(), risk, version)
    if draft is None:
        return book
    return replace(book, strategies=(draft,))


async def stored(settings: Settings, symbol: str, timeframe: Timeframe | None) -> Past:
    """The past that this machine's installation keeps of a symbol, in the first timeframe of it
    that is watched unless another one is named.
    """
    async with open_database_of(settings) as world:
        watched = dict(reversed(world.symbols))
        if timeframe is None and symbol not in watched:
            known = ", ".join(f"{name} {length}" for name, length in world.symbols)
            raise InvalidInput(f"{symbol} is not watched here, but {known}; say --timeframe")
        return await past_of(world, symbol, timeframe or watched[symbol])


async def model_of(settings: Settings, book: Book, wish: Wish, id_: int | None) -> Loaded:
    """The registered model that is asked; none on a machine that never ran."""
    if settings.database_url is None and not has_database(settings.ai_trader_home):
        if id_ is not None:
            raise InvalidInput(f"there is no database here, and so no model {id_}")
        return Loaded()
    wanted, _ = chosen(book.strategies, wish.symbol, wish.timeframe, wanted=wish.strategy)
    async with open_database_of(settings) as world:
        return await model_for(world.store, wanted, (wish.symbol, wish.timeframe), id_)


def must_be_known(language: str) -> None:
    """Raise :class:`InvalidInput` for a language that there is not."""
    if language not in LANGUAGES:
        raise InvalidInput(f"there is no language {language!r}; there are {', '.join(LANGUAGES)}")


def planned(
    settings: Settings, book: Book, past: Past, wish: Wish, *, calendar: Path | None, model: Loaded
) -> tuple[Plan, CalendarView]:
    """What a wish comes to here, with its model, and the releases it is played with."""
    name, news = calendar_of(past.source, calendar, quiet=wish.quiet)
    plan = plan_of(
        wish, book.strategies, book.settings, book.version, source=past.source, calendar=name,
        zone=settings.broker_timezone, currency=settings.account_currency,
    )  # fmt: skip
    return model.into(plan, past.columns), news


def run(
    settings: Settings,
    book: Book,
    past: Past,
    wish: Wish,
    *,
    calendar: Path | None,
    model: Loaded,
    outputs: Outputs,
    language: str,
    say: Say,
    progress: Say,
) -> int:
    """Play a wish and tell what came of it; what was done, when it is interrupted."""
    must_be_known(language)
    plan, news = planned(settings, book, past, wish, calendar=calendar, model=model)
    with _interruptible() as stopped:
        played = play(plan, past.columns, news, _teller(stopped, progress), model.body)
    progress("")
    report, words = report_of(played), words_for(language)
    _tell(report, words, say)
    for path in _write(played, report, words, outputs):
        say(f"{path} written")
    return CLEAN if report.is_whole else ENDED_EARLY


def _teller(stopped: list[bool], progress: Say) -> Any:
    shown = [-1]

    def tell(done: int, of: int) -> None:
        percent = 100 * done // of
        if percent != shown[0]:
            shown[0] = percent
            progress(f"{percent:3} %  {done:,} of {of:,} candles")
        if stopped:
            raise Cancelled

    return tell


@contextmanager
def _interruptible() -> Iterator[list[bool]]:
    """Ctrl-C asks to stop; a second one stops at once."""
    asked: list[bool] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    before = {each: getsignal(each) for each in (SIGINT, SIGTERM)}
    for each in before:
        signal(each, stop)
    try:
        yield asked
    finally:
        for each, handler in before.items():
            signal(each, handler)


def _tell(report: Report, words: Words, say: Say) -> None:
    """The figures as a table, the assumptions and the refusals under it."""
    say(plain_text(views.headline(words, report)))
    if not report.is_whole:
        say(plain_text(words("backtest.partial", candles=words.number(report.candles))))
    rows(words("backtest.figures"), views.figures(words, report), say)
    rows(words("backtest.assumptions"), views.assumptions(words, report.plan), say)
    found = [(views.refusal(words, why), words.number(count)) for why, count in report.refusals]
    rows(words("backtest.refusals"), found, say)
    halts = [(words.moment(at), views.halt(words, why)) for at, why in report.halts]
    rows(words("backtest.halted"), halts, say)
    for note in views.notes(words, report):
        say(plain_text(note))
    say(f"{plain_text(words('backtest.fingerprint'))}: {report.hash}")


def rows(heading: str, found: Sequence[tuple[str, str]], say: Say) -> None:
    """A table of names and values; nothing of none."""
    if not found:
        return
    say(f"\n{plain_text(heading)}")
    names = [plain_text(name) for name, _ in found]
    wide = max(map(len, names))
    for name, (_, value) in zip(names, found, strict=True):
        say(f"  {name.ljust(wide)}  {plain_text(value)}")


def plain_text(text: str) -> str:
    """Words without the marks of a chat."""
    return unescape(sub(r"<[^>]+>", "", text))


def _write(played: Played, report: Report, words: Words, outputs: Outputs) -> list[Path]:
    files: dict[Path, bytes] = {}
    if outputs.html is not None:
        files[outputs.html] = page(report, pictures(report, played.columns, words), words)
    if outputs.csv is not None:
        files[outputs.csv / "trades_log.csv"] = trades_log(report)
        files[outputs.csv / "signals_log.csv"] = signals_log(played)
    if outputs.stream is not None:
        files[outputs.stream] = b"".join(line + b"\n" for line in played.ran.stream)
    if outputs.json is not None:
        files[outputs.json] = canonical(plain(report)) + b"\n"
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(files)
