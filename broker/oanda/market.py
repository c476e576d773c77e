"""The port ``MarketData`` over OANDA: candles of bids, prices, instruments."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from broker.numbers import number
from broker.oanda.client import Client
from broker.oanda.rules import Rules
from broker.oanda.symbols import Symbols
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.errors import BrokerSilent, FeedError, InvalidInput, NotFound

#: OANDA shows so many candles at once.
_MOST = 5_000
_GRANULARITIES = {timeframe: str(timeframe) for timeframe in Timeframe} | {Timeframe.D1: "D"}
_NONSENSE = (InvalidInput, LookupError, TypeError, ValueError, ArithmeticError)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


@dataclass(frozen=True, kw_only=True)
class OandaMarket:
    """The market's time is OANDA's. Candles are of bids, a candle's volume is the number of its
    prices. Those of four hours and of a day begin at midnight of ``zone``. A quote carries the
    instant at which OANDA made its price, so that one that is not renewed grows old.
    """

    client: Client
    symbols: Symbols
    zone: ZoneInfo

    async def instant(self) -> datetime:
        try:
            return await self.client.time()
        except BrokerSilent as error:
            raise FeedError(str(error)) from error

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        if count < 1:
            return ()
        # One more, because the last one shown has not closed.
        limit = min(count + 1, _MOST)
        return (await self._candles(symbol, timeframe, limit))[-count:]

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        if not after < await self.instant():
            return ()
        found = await self._candles(
            symbol, timeframe, _MOST, **{"from": written(after), "includeFirst": "false"}
        )
        return tuple(candle for candle in found if candle.time > after)

    async def quote(self, symbol: str) -> Quote | None:
        """The best bid and ask; None while it cannot be dealt at."""
        rules = await self._rules(symbol)
        return (await self._quotes([rules])).get(symbol)

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        try:
            found = [await self.symbols.rules(symbol) for symbol in wanted]
        except BrokerSilent as error:
            raise FeedError(str(error)) from error
        return await self._quotes([rules for rules in found if rules is not None])

    async def instrument(self, symbol: str) -> Instrument:
        rules = await self._rules(symbol)
        try:
            return rules.instrument()
        except _NONSENSE as error:
            raise FeedError(f"the specification of {symbol} makes no sense: {error!r}") from error

    async def aclose(self) -> None:
        """Close the connections to OANDA that are kept."""
        await self.client.aclose()

    async def _rules(self, symbol: str) -> Rules:
        try:
            rules = await self.symbols.rules(symbol)
        except BrokerSilent as error:
            raise FeedError(str(error)) from error
        if rules is None:
            raise NotFound(f"OANDA has no {symbol} for this account")
        return rules

    async def _quotes(self, wanted: list[Rules]) -> dict[str, Quote]:
        if not wanted:
            return {}
        asked = {"instruments": ",".join(dict.fromkeys(rules.name for rules in wanted))}
        told = await self._read(self.client.of_account("/pricing"), asked)
        try:
            shown = {each["instrument"]: each for each in told["prices"]}
            found = {rules.symbol: _quote(shown.get(rules.name), rules) for rules in wanted}
        except _NONSENSE as error:
            raise FeedError(f"a price makes no sense: {error!r}"[:200]) from error
        return {symbol: quote for symbol, quote in found.items() if quote is not None}

    async def _candles(
        self, symbol: str, timeframe: Timeframe, limit: int, **span: str
    ) -> tuple[Candle, ...]:
        rules = await self._rules(symbol)
        asked = {
            "price": "B", "granularity": _GRANULARITIES[timeframe], "count": str(limit),
            "smooth": "false", "dailyAlignment": "0", "alignmentTimezone": self.zone.key, **span,
        }  # fmt: skip
        told = await self._read(f"/v3/instruments/{rules.name}/candles", asked)
        try:
            if told["instrument"].replace("/", "_") != rules.name:
                raise ValueError("they are another instrument's")
            shown = [each for each in told["candles"] if each["complete"] is True]
            return tuple(_candle(each, rules.digits) for each in shown)
        except _NONSENSE as error:
            raise FeedError(f"a candle of {symbol} makes no sense: {error!r}"[:200]) from error

    async def _read(self, path: str, asked: Mapping[str, str]) -> Any:
        try:
            return await self.client.read(path, asked)
        except BrokerSilent as error:
            raise FeedError(str(error)) from error


def at(text: Any) -> datetime:
    """An instant as OANDA writes it by RFC 3339, with up to nine digits of a second, of which six
    are kept; raises ``ValueError`` for what is none.
    """
    found = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r:.40} is no instant")
    whole = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    return whole + timedelta(microseconds=int((found[2] or "0").ljust(6, "0")[:6]))


def written(instant: datetime) -> str:
    """An instant as OANDA reads it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _quote(told: Mapping[str, Any] | None, rules: Rules) -> Quote | None:
    """One of ``prices``; None where it is not shown, halted, or one side is empty."""
    # An older form of the document has a status instead.
    if told is None or told.get("tradeable", told.get("status") == "tradeable") is not True:
        return None
    if not told["bids"] or not told["asks"]:
        return None
    bid = max(number(each["price"], rules.digits) for each in told["bids"])
    ask = min(number(each["price"], rules.digits) for each in told["asks"])
    return Quote(bid, ask, at(told["time"]))


def _candle(told: Mapping[str, Any], digits: int) -> Candle:
    first, high, low, last = (number(told["bid"][name], digits) for name in "ohlc")
    return Candle(at(told["time"]), first, high, low, last, int(told["volume"]))
