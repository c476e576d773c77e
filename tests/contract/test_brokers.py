"""What every venue promises, whatever is behind it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from broker.feeds.instruments import instrument
from broker.mt_bridge.venue import MtBridge
from broker.paper import PaperBroker
from engine.domain.market import Timeframe
from engine.domain.order import Order
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.builders import NOW, candles
from tests.builders import order as order_of
from tests.fakes import HandMarket, MemoryLedger
from tests.integration.ea import ACCOUNT, Bridge, bridge  # noqa: F401
from tests.terminals import Ea, request

BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)


@dataclass
class Venue:
    """A venue, and whatever has to work for it meanwhile."""

    broker: Any
    account_id: str
    ea: Ea | None = None

    def order(self, number: int = 1) -> Order:
        made = order_of(client_id=f"at-{number:024}", account_id=self.account_id)
        return replace(made, valid_until=datetime.now(UTC) + timedelta(minutes=1))

    async def of(self, work: Awaitable[Any]) -> Any:
        """What a call answers while the venue works."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait([task], timeout=0.02)
            if self.ea is not None:
                await self.ea.work(hold_ms=0)
        if self.ea is not None:
            await _show(self.ea)
        return await task


async def _show(ea: Ea) -> None:
    """The terminal's snapshot: a euro, and every trade it made."""
    example = request("/ea/sync")
    euro = {
        **example["symbols"][0], "name": "EURUSD", "bid": 1.1, "ask": 1.1001, "digits": 5,
        "point": 0.00001,
    }  # fmt: skip
    positions = [
        {
            **example["positions"][0], "id": 900_000 + c["seq"], "ticket": 900_000 + c["seq"],
            "symbol": c["symbol"], "volume": float(c["volume"]), "side": c["side"],
            "magic": ea.magic_base + c["seq"], "sl": float(c["sl"]), "tp": float(c["tp"]),
        }
        for c in ea.seen
        if c["type"] == "OPEN" and c["id"] in ea.executed
    ]  # fmt: skip
    ea.sync_no += 1
    status, answer = await ea.post(
        "/ea/sync", sync_no=ea.sync_no, symbols=[euro], positions=positions, deals=[],
        names=["EURUSD"], candles=[],
    )  # fmt: skip
    assert status == 200, answer


@pytest.fixture(params=["paper", "mt_bridge"])
async def venue(request: pytest.FixtureRequest, bridge: Bridge) -> Venue:  # noqa: F811
    """A venue of either kind, with an account of some money and nothing open."""
    if request.param == "paper":
        market = HandMarket(instrument("EURUSD"), candles(end=NOW))
        paper = PaperBroker(market=market, ledger=MemoryLedger(), timeframe=Timeframe.H1)
        return Venue(paper, "paper-1")
    watched = replace(bridge.endpoint.take_snapshot.watched, streams=(("EURUSD", Timeframe.H1),))
    object.__setattr__(bridge.endpoint.take_snapshot, "watched", watched)
    ea = await bridge.joined()
    await _show(ea)
    broker = MtBridge(
        store=bridge.store, signals=bridge.signals, account_id=ACCOUNT, patience_seconds=1.0
    )
    return Venue(broker, ACCOUNT, ea)


async def test_an_account_without_trades_is_flat(venue: Venue) -> None:
    account = await venue.broker.account()
    assert account.id == venue.broker.account_id == venue.account_id
    assert account.currency == "USD"
    assert account.equity > 0
    assert await venue.broker.positions() == ()
    assert tuple(await venue.broker.closed_since(BEGINNING)) == ()
    assert venue.broker.is_live is False


async def test_a_fill_is_found_again_and_shows_as_a_position(venue: Venue) -> None:
    order = venue.order()
    fill = await venue.of(venue.broker.submit(order))
    assert (fill.client_id, fill.volume) == (order.client_id, order.volume)
    assert fill.price > 0
    assert await venue.broker.look_up(order.client_id) == Found(fill)
    (position,) = await venue.broker.positions()
    assert (position.id, position.symbol) == (fill.broker_id, order.symbol)
    assert (position.direction, position.volume) == (order.direction, order.volume)
    assert position.stop_loss == order.stop_loss
    assert position.take_profit == order.take_profit[0]


async def test_the_same_order_again_trades_nothing(venue: Venue) -> None:
    await venue.of(venue.broker.submit(venue.order()))
    with pytest.raises((BrokerRefused, BrokerSilent)):
        await venue.of(venue.broker.submit(venue.order()))
    assert len(await venue.broker.positions()) == 1


async def test_an_order_that_never_came_is_proven_absent_for_good(venue: Venue) -> None:
    name = venue.order(2).client_id
    assert await venue.broker.look_up(name) == NotFound(proven=True)
    with pytest.raises((BrokerRefused, BrokerSilent)):
        await venue.of(venue.broker.submit(venue.order(2)))
    assert await venue.broker.look_up(name) == NotFound(proven=True)
    assert await venue.broker.positions() == ()


async def test_too_much_is_refused_and_proven(venue: Venue) -> None:
    order = replace(venue.order(3), volume=Decimal(100_000))
    with pytest.raises(BrokerRefused):
        await venue.of(venue.broker.submit(order))
    assert await venue.broker.look_up(order.client_id) == NotFound(proven=True)
