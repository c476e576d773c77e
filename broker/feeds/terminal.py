"""The market as a terminal shows it: candles, quotes and specifications out of its snapshots."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.snapshot import CalendarEvent, CalendarView, Impact
from engine.errors import FeedError, InvalidInput, NotFound
from engine.ports import Clock, Store, Transaction

_AHEAD, _BEHIND = timedelta(days=7), timedelta(days=1)
_IMPACTS = {"high": Impact.HIGH, "moderate": Impact.MEDIUM, "low": Impact.LOW, "none": Impact.LOW}
_MICRO = Decimal(1_000_000)
#: Metals and indices whose pip is no tenth of a point; for the rest a pip is ten points.
_PIPS = {"XAUUSD": "0.1", "XAGUSD": "0.01"}


@dataclass(frozen=True, kw_only=True)
class TerminalMarket:
    """The port ``MarketData``. The market's time is the wall's: what a snapshot shows is as old as
    its instants say, and a quote that is not renewed grows old.
    """

    store: Store
    account_id: str
    clock: Clock

    async def instant(self) -> datetime:
        return self.clock()

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        async with self.store.begin() as tx:
            name = await self._name(tx, symbol)
            rows = await tx.snapshots.candles(self.account_id, name, timeframe, count=count)
        return tuple(Candle(*row) for row in rows)

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        async with self.store.begin() as tx:
            name = await self._name(tx, symbol)
            rows = await tx.snapshots.candles(self.account_id, name, timeframe, after=after)
        return tuple(Candle(*row) for row in rows)

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
        if name not in told:
            raise NotFound(f"the terminal shows no {symbol}")
        currency = shown.account["currency"] if shown is not None else ""
        return _instrument(symbol, told[name], currency)

    async def _name(self, tx: Transaction, symbol: str) -> str:
        name = (await tx.snapshots.mapped(self.account_id)).get(symbol)
        if name is None:
            raise FeedError(f"the terminal's name of {symbol} is not known yet")
        return name


def _quote(told: Mapping[str, Any] | None) -> Quote | None:
    """The quote, or None where there is none to deal at."""
    if told is None:
        return None
    bid, ask = Decimal(told["bid"]), Decimal(told["ask"])
    if not 0 < bid <= ask:
        return None
    return Quote(bid, ask, datetime.fromisoformat(told["at"]))


def _instrument(symbol: str, told: Mapping[str, Any], currency: str) -> Instrument:
    """A specification. Raises :class:`FeedError` for one that cannot be dealt with."""
    point = Decimal(told["point"])
    try:
        return Instrument(
            symbol=symbol,
            base=told["base"] or symbol,
            quote=told["profit"] or currency,
            digits=told["digits"],
            pip=Decimal(_PIPS[symbol]) if symbol in _PIPS else _pip(point, told["digits"]),
            contract_size=Decimal(told["contract_size"]),
            volume_min=Decimal(told["volume_min"]),
            volume_max=Decimal(told["volume_max"]),
            volume_step=Decimal(told["volume_step"]),
            stops_level=point * told["stops_level"],
            margin_rate=_margin_rate(told),
        )
    except InvalidInput as error:
        raise FeedError(f"the terminal's specification of {symbol}: {error}") from error


def _pip(point: Decimal, digits: int) -> Decimal:
    """Prices with an odd number of digits have a tenth of a pip at their end."""
    return point * 10 if digits % 2 else point


def _margin_rate(told: Mapping[str, Any]) -> Decimal:
    """The margin as a part of a position's value.

    ``margin_per_lot`` is account currency for one lot; a lot is worth contract size × ask × account
    currency per unit of the quote currency, and that rate is tick value / (tick size × contract
    size). Where the terminal cannot say, the whole value is held.
    """
    per_lot, ask = Decimal(told["margin_per_lot"]), Decimal(told["ask"])
    tick, value = Decimal(told["tick_size"]), Decimal(told["tick_value"])
    if not (per_lot > 0 and ask > 0 and tick > 0 and value > 0):
        return Decimal(1)
    return min(Decimal(1), round(per_lot / (ask / tick * value), 6)) or Decimal(1)


@dataclass(frozen=True, kw_only=True)
class TerminalCalendar:
    """The port ``Calendar`` over the terminal's own; None while it was never told, or not for the
    instant.
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
