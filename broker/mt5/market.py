"""The port ``MarketData`` over the connector: candles, quotes, specifications of its terminal."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from broker.metatrader.specification import instrument_of
from broker.mt5.client import Connector
from broker.mt5.names import Names
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.errors import BrokerSilent, FeedError, InvalidInput, NotFound
from engine.ports import Clock

#: The connector answers so many at once.
_CANDLES, _QUOTES = 5_000, 64


@dataclass(frozen=True, kw_only=True)
class Mt5Market:
    """The market's time is the wall's: a quote that is not renewed grows old."""

    connector: Connector
    names: Names
    clock: Clock

    async def instant(self) -> datetime:
        return self.clock()

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        if count < 1:
            return ()
        told = await self._read(
            "/mt5/candles",
            ("symbol", await self._name(symbol)),
            ("timeframe", str(timeframe)),
            ("count", str(min(count, _CANDLES))),
        )
        try:
            return tuple(_candle(row) for row in told["candles"])
        except (InvalidInput, LookupError, ValueError, TypeError, ArithmeticError) as error:
            raise FeedError(f"a candle of {symbol} makes no sense: {error}") from error

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        passed = int((self.clock() - after) / timeframe.length) + 1
        found = await self.candles(symbol, timeframe, min(passed, _CANDLES))
        return tuple(candle for candle in found if candle.time > after)

    async def quote(self, symbol: str) -> Quote | None:
        name = await self._name(symbol)
        return (await self._quotes([name])).get(name)

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        try:
            found = {symbol: await self.names.of(symbol) for symbol in wanted}
        except BrokerSilent as error:
            raise FeedError(str(error)) from error
        names = {symbol: name for symbol, name in found.items() if name is not None}
        asked, quotes = list(dict.fromkeys(names.values())), dict[str, Quote]()
        for first in range(0, len(asked), _QUOTES):
            quotes |= await self._quotes(asked[first : first + _QUOTES])
        return {symbol: quotes[name] for symbol, name in names.items() if name in quotes}

    async def instrument(self, symbol: str) -> Instrument:
        told = await self._read("/mt5/symbols", ("symbol", await self._name(symbol)))
        try:
            made = instrument_of(symbol, told["symbols"][0], told["currency"])
            return replace(made, venue_name=await self._name(symbol))
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise FeedError(f"the specification of {symbol} makes no sense: {error!r}") from error

    async def _quotes(self, names: list[str]) -> dict[str, Quote]:
        told = await self._read("/mt5/quote", *(("symbol", name) for name in names))
        try:
            return {
                each["symbol"]: Quote(
                    Decimal(each["bid"]), Decimal(each["ask"]),
                    datetime.fromisoformat(each["time"]),
                )
                for each in told["quotes"]
            }  # fmt: skip
        except (InvalidInput, LookupError, ValueError, TypeError, ArithmeticError) as error:
            raise FeedError(f"a quote makes no sense: {error}") from error

    async def _name(self, symbol: str) -> str:
        try:
            name = await self.names.of(symbol)
        except BrokerSilent as error:
            raise FeedError(str(error)) from error
        if name is None:
            raise NotFound(f"the broker has no {symbol}, or several: name it in EA_SYMBOLS")
        return name

    async def _read(self, path: str, *parameters: tuple[str, str]) -> Mapping[str, Any]:
        try:
            return await self.connector.read(path, *parameters)
        except BrokerSilent as error:
            raise FeedError(str(error)) from error


def _candle(row: list[Any]) -> Candle:
    time, first, high, low, last, volume = row
    return Candle(
        datetime.fromisoformat(time),
        Decimal(first), Decimal(high), Decimal(low), Decimal(last), int(volume),
    )  # fmt: skip
