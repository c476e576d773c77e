"""The market as a terminal shows it: candles, quotes and specifications out of its snapshots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from broker.metatrader.specification import instrument_of
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.snapshot import CalendarEvent, CalendarView, Impact
from engine.domain.values import quantize
from engine.errors import FeedError, InvalidInput, NotFound
from engine.ports import Clock, Store, Transaction

_AHEAD, _BEHIND = timedelta(days=7), timedelta(days=1)
#: A calendar that was told longer ago may have been changed since.
_OLDEST = timedelta(hours=24)
_IMPACTS = {"high": Impact.HIGH, "moderate": Impact.MEDIUM, "low": Impact.LOW, "none": Impact.LOW}
_MICRO = Decimal(1_000_000)


@dataclass(frozen=True, kw_only=True)
class TerminalMarket:
    """The port ``MarketData``. The market's time is the wall's: what a snapshot shows is as old as
    its instants say, and a quote that is not renewed grows old.
    """

    store: Store
    account_id: str
    clock: Clock
    #: Whether the zone of the broker's clock is known: its summer time is then no change.
    has_zone: bool = False

    async def instant(self) -> datetime:
        return self.clock()

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        async with self.store.begin() as tx:
            name = await self._name(tx, symbol)
            rows = await tx.snapshots.candles(self.account_id, name, timeframe, count=count)
            told = await tx.snapshots.symbols(self.account_id, [name])
        return _candles(rows, told.get(name))

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        async with self.store.begin() as tx:
            name = await self._name(tx, symbol)
            rows = await tx.snapshots.candles(self.account_id, name, timeframe, after=after)
            told = await tx.snapshots.symbols(self.account_id, [name])
        return _candles(rows, told.get(name))

    async def quote(self, symbol: str) -> Quote | None:
        async with self.store.begin() as tx:
            name = await self._name(tx, symbol)
            told = await tx.snapshots.symbols(self.account_id, [name])
        return _quote(told.get(name))

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        async with self.store.begin() as tx:
            mapped = await tx.snapshots.mapped(self.account_id)
            names = {symbol: mapped[symbol] for symbol in wanted if symbol in mapped}
            told = await tx.snapshots.symbols(self.account_id, names.values())
        found = {symbol: _quote(told.get(name)) for symbol, name in names.items()}
        return {symbol: quote for symbol, quote in found.items() if quote is not None}

    async def instrument(self, symbol: str) -> Instrument:
        async with self.store.begin() as tx:
            mapped = await tx.snapshots.mapped(self.account_id)
            name = mapped.get(symbol, "")
            told = await tx.snapshots.symbols(self.account_id, [name])
            shown = await tx.snapshots.last(self.account_id)
        if shown is None:
            raise FeedError("the terminal has shown nothing yet")
        if name not in told:
            raise NotFound(f"the terminal shows no {symbol}")
        made = instrument_of(symbol, told[name], shown.account["currency"])
        offset = None if self.has_zone else shown.offset_seconds
        return replace(made, venue_name=name, clock_offset=offset)

    async def _name(self, tx: Transaction, symbol: str) -> str:
        name = (await tx.snapshots.mapped(self.account_id)).get(symbol)
        if name is None:
            raise FeedError(f"the terminal's name of {symbol} is not known yet")
        return name


def _candles(rows: Sequence[tuple[Any, ...]], told: Mapping[str, Any] | None) -> tuple[Candle, ...]:
    """Candles with as many digits as the symbol has; the store keeps more. Raises
    :class:`FeedError` for what cannot be a candle.
    """
    found = []
    try:
        for time, *prices, volume in rows:
            if told is not None:
                prices = [quantize(price, told["digits"]) for price in prices]
            opened, high, low, closed = prices
            found.append(Candle(time, opened, high, low, closed, volume))
    except InvalidInput as error:
        raise FeedError(f"a candle of the terminal makes no sense: {error}") from error
    return tuple(found)


def _quote(told: Mapping[str, Any] | None) -> Quote | None:
    """The quote, or None where there is none to deal at."""
    if told is None:
        return None
    bid, ask = (quantize(Decimal(told[side]), told["digits"]) for side in ("bid", "ask"))
    if not 0 < bid <= ask:
        return None
    return Quote(bid, ask, datetime.fromisoformat(told["at"]))


@dataclass(frozen=True, kw_only=True)
class TerminalCalendar:
    """The port ``Calendar`` over the terminal's own; None while it was never told, not for the
    instant, or not for a day.
    """

    store: Store
    account_id: str

    async def around(self, instant: datetime) -> CalendarView | None:
        async with self.store.begin() as tx:
            told = await tx.snapshots.calendar(self.account_id)
        if told is None:
            return None
        until = datetime.fromisoformat(told["known_until"])
        if not datetime.fromisoformat(told["known_from"]) <= instant <= until:
            return None
        # What was stored before it was noted when says so at the next snapshot.
        if "told_at" in told and instant - datetime.fromisoformat(told["told_at"]) > _OLDEST:
            return None
        events = [_event(each) for each in told["events"]]
        near = [e for e in events if instant - _BEHIND <= e.time <= instant + _AHEAD]
        near.sort(key=lambda event: (event.time, event.currency, event.title))
        return CalendarView(events=tuple(near), known_until=until)


def _event(told: Mapping[str, Any]) -> CalendarEvent:
    digits = told["digits"]
    return CalendarEvent(
        time=datetime.fromisoformat(told["at"]),
        currency=told["currency"],
        impact=_IMPACTS[told["importance"]],
        title=told["title"],
        previous=_figure(told["previous_micro"], digits),
        forecast=_figure(told["forecast_micro"], digits),
        actual=_figure(told["actual_micro"], digits),
    )


def _figure(micro: int | None, digits: int) -> str:
    return "" if micro is None else f"{round(Decimal(micro) / _MICRO, digits):f}"
