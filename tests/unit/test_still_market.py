"""One look of the paper venue asks the market once for each thing."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from broker.feeds.recorded import RecordedMarket, shipped_recording
from broker.paper import PaperBroker
from broker.still import stand_still
from engine.domain.market import Timeframe
from engine.errors import BrokerRefused
from tests.builders import NOW, held, order
from tests.fakes import MemoryLedger


class _Counted:
    """A market that counts what it is asked."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        async def asked(*what: Any) -> Any:
            self.asked[name] += 1
            return await getattr(self.inner, name)(*what)

        return asked


async def test_a_look_at_many_trades_asks_the_market_as_often_as_one_at_few():
    market = _Counted(RecordedMarket(shipped_recording(), MemoryLedger(), start=306))
    broker = PaperBroker(market=market, ledger=MemoryLedger(), timeframe=Timeframe.H1)
    await broker.submit(order())
    market.asked.clear()
    few = await broker.account()
    asked = market.asked.copy()
    async with broker.ledger.open(f"paper:{broker.account_id}") as books:
        (one,) = books["positions"]
        books["positions"] = [{**one, "id": str(number)} for number in range(50)]
    market.asked.clear()
    many = await broker.account()
    assert many.open_profit == 50 * few.open_profit
    assert market.asked == asked


async def test_the_market_stands_still_until_the_next_look():
    market = RecordedMarket(shipped_recording(), MemoryLedger(), start=306)
    trade = held(seen=await market.instant() - timedelta(hours=4))
    still = await stand_still(market, [trade], timeframe=Timeframe.H1, currency="EUR")
    before = still.quote("EURUSD")
    assert before == await market.quote("EURUSD")
    assert still.rates(("EURUSD", "USDEUR")) == {"EURUSD": before}
    assert len(still.candles["EURUSD", min(at for _, at in still.candles)]) == 3
    await market.advance(lambda: NOW, timedelta(0))
    assert still.quote("EURUSD") == before != await market.quote("EURUSD")


async def test_an_order_before_the_first_candle_is_refused():
    class Empty(RecordedMarket):
        async def candles(self, *what: Any) -> Any:
            return ()

    market = Empty(shipped_recording(), MemoryLedger(), start=306)
    broker = PaperBroker(market=market, ledger=MemoryLedger(), timeframe=Timeframe.H1)
    with pytest.raises(BrokerRefused, match="no candle of EURUSD yet"):
        await broker.submit(order())
    assert await broker.positions() == ()
