"""The past of this installation: where the candles come from that something can be tried on."""

from dataclasses import dataclass, field

from bot.backtesting import Past, calendar_of, shipped
from bot.world import World
from broker.feeds.calendar_csv import CsvCalendar
from broker.feeds.recorded import shipped_recording
from broker.feeds.stored import StoredMarket
from broker.feeds.terminal import TerminalMarket
from engine.domain.market import Timeframe
from engine.domain.snapshot import CalendarView
from engine.errors import FeedError, InvalidInput
from engine.research.columns import Columns, columns_of
from engine.research.plan import MOST_CANDLES

_TERMINAL = "terminal:"


def source_of(world: World) -> str:
    """The name of the candles that this installation decides on."""
    market = world.market
    if isinstance(market, StoredMarket):
        return market.source
    if isinstance(market, TerminalMarket):
        return f"{_TERMINAL}{market.account_id}"
    return market.recording.name


async def past_of(world: World, symbol: str, timeframe: Timeframe) -> Past:
    """All of the recording, played or not, or what was stored of the venue. Raises
    :class:`InvalidInput` where there is nothing of a symbol.
    """
    source = source_of(world)
    return Past(source, await candles_of(world, source, symbol, timeframe))


async def candles_of(world: World, source: str, symbol: str, timeframe: Timeframe) -> Columns:
    """The candles of a name; raises :class:`InvalidInput` where none are kept here."""
    if source == shipped_recording().name:
        return _of_recording(shipped(), symbol, timeframe)
    if world.tape is not None and source == world.tape.recording.name:
        kept = world.tape.recording
        columns = columns_of(kept.symbol, kept.timeframe, kept.candles)
        return _of_recording(Past(source, columns), symbol, timeframe)
    if isinstance(world.market, TerminalMarket) and source.startswith(_TERMINAL):
        try:
            shown = await world.market.candles(symbol, timeframe, MOST_CANDLES)
        except FeedError as error:
            raise InvalidInput(str(error)) from error
        return columns_of(symbol, timeframe, shown)
    async with world.store.begin() as tx:
        found = await tx.candles.last(source, (symbol, timeframe), MOST_CANDLES)
    if not found:
        raise InvalidInput(
            f"no {timeframe} candles of {symbol} are stored here; give a file: --file candles.csv"
        )
    return columns_of(symbol, timeframe, found)


def _of_recording(past: Past, symbol: str, timeframe: Timeframe) -> Columns:
    columns = past.columns
    if (columns.symbol, columns.timeframe) != (symbol, timeframe):
        raise InvalidInput(
            f"{past.source} holds {columns.timeframe} candles of {columns.symbol}, not"
            f" {timeframe} of {symbol}; give a file: --file candles.csv"
        )
    return columns


def news_of(world: World, source: str, *, quiet: bool) -> tuple[str | None, CalendarView]:
    """The releases of a source and their name: a recording's own. Of other candles nobody kept the
    news, and none are assumed, which is told by there being no name.
    """
    if quiet:
        return calendar_of(source, None, quiet=True)
    if source == shipped_recording().name:
        return calendar_of(source, None, quiet=False)
    calendar = world.outside.calendar
    if world.tape is not None and isinstance(calendar, CsvCalendar) and calendar.whole is not None:
        return f"{source} calendar", calendar.whole
    return calendar_of(source, None, quiet=True)


@dataclass(eq=False)
class Kept:
    """The candles of the last plan, because the next one is often of the same."""

    world: World
    _kept: dict[tuple[str, str, Timeframe], Columns] = field(default_factory=dict)

    async def __call__(self, source: str, symbol: str, timeframe: Timeframe) -> Columns:
        """As :func:`candles_of`."""
        key = (source, symbol, timeframe)
        if key not in self._kept:
            self._kept = {key: await candles_of(self.world, *key)}
        return self._kept[key]
