"""The port ``MarketData`` over the exchange: klines, best bid and ask, filters."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from broker.binance.client import Client
from broker.binance.rules import Rules
from broker.binance.symbols import Symbols
from broker.numbers import number
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.errors import BrokerSilent, FeedError, InvalidInput, NotFound

#: The exchange shows so many klines at once.
_MOST = 1_000
#: How far its clock may be from ours.
_SKEW = timedelta(minutes=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_INTERVALS = {
    Timeframe.M1: "1m",
    Timeframe.M5: "5m",
    Timeframe.M15: "15m",
    Timeframe.M30: "30m",
    Timeframe.H1: "1h",
    Timeframe.H4: "4h",
    Timeframe.D1: "1d",
}
_NONSENSE = (InvalidInput, LookupError, TypeError, ValueError, ArithmeticError)


@dataclass(frozen=True, kw_only=True)
class BinanceMarket:
    """The market's time is the exchange's. A candle's volume is its number of trades, as it is at
    MetaTrader; its prices are those of trades. A quote has no time of its own at the exchange: it
    carries the one at which it was asked for, so that it never looks newer than it is.
    """

    client: Client
    symbols: Symbols

    async def instant(self) -> datetime:
        try:
            return at(await self._now())
        except BrokerSilent as error:
            raise FeedError(str(error)) from error

    async def _now(self) -> int:
        """The exchange's time; raises :class:`FeedError` when it is far from ours: sessions, news
        and the age of all data are measured by it, and one of the two clocks is wrong.
        """
        told = await self.client.time()
        apart = abs(at(told) - self.client.clock())
        if not apart <= _SKEW:
            raise FeedError(f"the exchange's clock is {apart.total_seconds():.0f} s from ours")
        return told

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        if count < 1:
            return ()
        # One more, because the last one shown has not closed.
        limit = min(count + 1, _MOST)
        return (await self._klines(symbol, timeframe, limit))[-count:]

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        since = int((after - _BEGINNING) / timedelta(milliseconds=1)) + 1
        return await self._klines(symbol, timeframe, _MOST, startTime=since)

    async def quote(self, symbol: str) -> Quote | None:
        """The best bid and ask; None while the symbol is not traded, or one side is empty."""
        try:
            rules = await self.symbols.rules(symbol)
            if rules is None:
                raise NotFound(f"the exchange has no {symbol}")
            return await self._quote(rules) if rules.is_trading else None
        except BrokerSilent as error:
            raise FeedError(str(error)) from error

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        found = {}
        for symbol in wanted:
            try:
                quote = await self.quote(symbol)
            except NotFound:
                continue
            if quote is not None:
                found[symbol] = quote
        return found

    async def instrument(self, symbol: str) -> Instrument:
        quote = await self.quote(symbol)
        try:
            rules = await self.symbols.needed(symbol)
            # Without a price nothing can be dealt; what the least of it is then does not matter.
            return rules.instrument(Decimal(1) if quote is None else quote.bid)
        except BrokerSilent as error:
            raise FeedError(str(error)) from error
        except _NONSENSE as error:
            raise FeedError(f"the specification of {symbol} makes no sense: {error!r}") from error

    async def _quote(self, rules: Rules) -> Quote | None:
        symbol = rules.symbol
        now = at(await self._now())
        told = await self.client.find("/api/v3/ticker/bookTicker", {"symbol": symbol})
        try:
            if told is None or told["symbol"] != symbol:
                raise FeedError(f"the exchange shows no quote of {symbol}")
            bid, ask = (number(told[name], rules.digits) for name in ("bidPrice", "askPrice"))
            if not (bid > 0 and ask > 0):
                return None
            return Quote(bid, ask, now)
        except _NONSENSE as error:
            raise FeedError(f"a quote of {symbol} makes no sense: {error}") from error

    async def _klines(
        self, symbol: str, timeframe: Timeframe, limit: int, **span: int
    ) -> tuple[Candle, ...]:
        asked = {"symbol": symbol, "interval": _INTERVALS[timeframe], "limit": limit, **span}
        try:
            rules = await self.symbols.rules(symbol)
            if rules is None:
                raise NotFound(f"the exchange has no {symbol}")
            now = await self._now()
            told = await self.client.read("/api/v3/klines", asked)
        except BrokerSilent as error:
            raise FeedError(str(error)) from error
        try:
            # A kline's close time is its last millisecond.
            return tuple(_candle(row, rules.digits) for row in told if row[6] < now)
        except _NONSENSE as error:
            raise FeedError(f"a candle of {symbol} makes no sense: {error!r}") from error


def at(milliseconds: int) -> datetime:
    """An instant as the exchange writes it; raises ``ValueError`` for what is none."""
    if not isinstance(milliseconds, int) or not 0 <= milliseconds < 2**43:
        raise ValueError(f"{milliseconds!r:.40} is no instant in milliseconds")
    return _BEGINNING + timedelta(milliseconds=milliseconds)


def _candle(row: list[Any], digits: int) -> Candle:
    first, high, low, last = (number(text, digits) for text in row[1:5])
    return Candle(at(row[0]), first, high, low, last, int(row[8]))
