"""One look of the paper venue asks the market once for each thing."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from broker.feeds.recorded import RecordedMarket, shipped_recording
from broker.paper import PaperBroker
from broker.still import StillMarket
from engine.domain.market import Timeframe
from tests.builders import order
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

        asked.__name__ = name
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


async def test_what_differs_is_asked_for_itself_and_the_next_look_asks_again():
    market = _Counted(RecordedMarket(shipped_recording(), MemoryLedger(), start=306))
    still = StillMarket(market=market)
    instant = datetime(2018, 1, 1, tzinfo=UTC)
    for count in (1, 2, 1):
        assert len(await still.candles("EURUSD", Timeframe.H1, count)) == count
    await still.rates(("EURUSD", "GBPUSD"))
    await still.rates(("GBPUSD", "EURUSD"))
    await still.candles_since("EURUSD", Timeframe.H1, instant)
    assert market.asked == {"candles": 2, "rates": 1, "candles_since": 1}
    before = await still.quote("EURUSD")
    await market.inner.advance(lambda: instant, instant - instant)
    assert await still.quote("EURUSD") == before
    assert await StillMarket(market=market).quote("EURUSD") != before
