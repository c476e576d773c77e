"""A market of many symbols for benchmarks: slices of the shipped recording under other names."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from broker.feeds.instruments import instrument
from broker.feeds.recorded import shipped_recording
from engine.domain.account import Account, Position
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.order import ClosedTrade, Fill, Order
from engine.ports import NotFound

_EURUSD = instrument("EURUSD")
_APART = 30


class ManyMarket:
    """The port ``MarketData`` over so many symbols; ``played`` candles have closed."""

    def __init__(self, count: int, *, played: int = 700) -> None:
        recorded = shipped_recording().candles
        self.symbols = tuple(f"S{number:02}USD" for number in range(count))
        self._candles: dict[str, Sequence[Candle]] = {}
        times = [candle.time for candle in recorded]
        for number, symbol in enumerate(self.symbols):
            shifted = recorded[number * _APART :]
            self._candles[symbol] = [
                replace(candle, time=time) for candle, time in zip(shifted, times, strict=False)
            ]
        self.played = played

    def advance(self) -> None:
        """Close the next candle of every symbol."""
        self.played += 1

    async def instant(self) -> datetime:
        return self._candles[self.symbols[0]][self.played - 1].time + Timeframe.H1.length

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        return tuple(self._candles[symbol][max(0, self.played - count) : self.played])

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        return tuple(c for c in self._candles[symbol][: self.played] if c.time > after)

    async def quote(self, symbol: str) -> Quote | None:
        bid = self._candles[symbol][self.played - 1].close
        return Quote(bid, bid + Decimal("0.00008"), await self.instant())

    async def instrument(self, symbol: str) -> Instrument:
        return replace(_EURUSD, symbol=symbol, base=symbol[:3])


class StillBroker:
    """The port ``Broker`` of an account where nothing happens."""

    account_id = "bench-1"
    is_live = False

    def __init__(self, market: ManyMarket) -> None:
        self._market = market

    async def account(self) -> Account:
        money = Decimal("10000.00")
        return Account(
            id=self.account_id, currency="USD", balance=money, equity=money,
            margin_used=Decimal(0), margin_free=money, open_profit=Decimal(0),
            captured_at=await self._market.instant(),
        )  # fmt: skip

    async def positions(self) -> tuple[Position, ...]:
        return ()

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        return ()

    async def submit(self, order: Order) -> Fill:
        raise AssertionError("nothing is sent here")

    async def look_up(self, client_id: str) -> NotFound:
        return NotFound(proven=True)
