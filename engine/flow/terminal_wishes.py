"""What a terminal is asked to report: whose symbols, which candles, deals since when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.domain.broker_time import BrokerTime
from engine.domain.feed_fault import OF_CANDLES
from engine.domain.market import Timeframe
from engine.domain.terminal import Stream, Wishes
from engine.ports import Transaction

#: Candles of a first look, and of every later one: a snapshot replaces what it overlaps.
LONG, SHORT = 300, 3
#: A snapshot carries no more.
_ALL_CANDLES, _STREAMS = 6_000, 64
#: Deals are asked for again: one may be booked late.
_OVERLAP = timedelta(days=3)
#: Names that differ from the usual one by more than what a broker adds.
_ALIASES = {
    "XAUUSD": ("GOLD",),
    "XAGUSD": ("SILVER",),
    "US500": ("US_500", "SPX500"),
    "US30": ("US_30", "DJ30"),
    "NAS100": ("US_TECH100", "USTEC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Symbols of ours with their timeframes, and what the broker calls those that were told."""

    streams: tuple[tuple[str, Timeframe], ...]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Each symbol once."""
        return tuple(dict.fromkeys(symbol for symbol, _ in self.streams))


def matched(symbol: str, names: Collection[str]) -> str | None:
    """What the broker calls a symbol: the same name, an alias, or the only name that begins with
    it. None when that is not clear: then it has to be told.
    """
    for exact in (symbol, *_ALIASES.get(symbol, ())):
        if exact in names:
            return exact
    found = [name for name in names if name.upper().startswith(symbol.upper())]
    return found[0] if len(found) == 1 else None


async def doubted_of(
    tx: Transaction, mapped: Mapping[str, str]
) -> frozenset[tuple[str, Timeframe]]:
    """The streams, by the broker's names, with candles that cannot be right: what is stored of them
    is to be replaced as a whole.
    """
    records = await tx.feed_memory.all()
    return frozenset(
        (mapped[symbol], timeframe)
        for (symbol, timeframe), record in records.items()
        if symbol in mapped and record.episode is not None and record.episode.fault in OF_CANDLES
    )


def wishes_of(
    watched: Watched,
    mapped: Mapping[str, str],
    names: Sequence[str],
    complete: Collection[tuple[str, Timeframe]],
    clock: BrokerTime,
    oldest: datetime,
    *,
    more_deals: bool,
    doubted: Collection[tuple[str, Timeframe]] = (),
) -> Wishes:
    """What to ask for next. ``complete`` are the streams without a gap, by the broker's names,
    ``oldest`` the instant from which deals may be missing. For ``doubted`` streams nobody hurries:
    what is wrong with them may last.
    """
    candles, left, hurry = [], _ALL_CANDLES, False
    for symbol, timeframe in watched.streams[:_STREAMS]:
        name = mapped.get(symbol)
        if name is None:
            continue
        is_complete = (name, timeframe) in complete
        short = is_complete and (name, timeframe) not in doubted
        count = min(left, SHORT if short else LONG)
        hurry = hurry or (not is_complete and count > SHORT)
        if count > 0:
            candles.append(Stream(symbol=name, timeframe=timeframe, count=count))
            left -= count
    return Wishes(
        symbols=tuple(dict.fromkeys(mapped.values()))[:_STREAMS],
        candles=tuple(candles),
        # While not all deals fitted, each answer goes on where the last one ended.
        deals_since=max(0, clock.seconds(oldest if more_deals else oldest - _OVERLAP)),
        names=not names,
        sync_now=hurry or not names or more_deals,
    )
