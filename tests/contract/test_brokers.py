"""What every venue promises, whatever is behind it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.binance.exchange import euro
from tests.binance.rig import rigged as exchange
from tests.contract.venues import Venue, bridge_venue, paper_venue
from tests.integration.ea import Bridge, bridge  # noqa: F401
from tests.mt5.rig import rigged
from tests.oanda.rig import rigged as oanda

BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)
#: Of the order that is used here: bought at about 1.1001, stop 1.098, target 1.104.
STOP, TARGET = Decimal("1.09800"), Decimal("1.10400")


@pytest.fixture
def over_paper() -> Venue:
    return paper_venue()


@pytest.fixture
async def over_mt_bridge(bridge: Bridge) -> Venue:  # noqa: F811
    return await bridge_venue(bridge)


@pytest.fixture
async def over_connector(tmp_path: Path) -> AsyncIterator[Venue]:
    async with rigged(tmp_path) as rig:
        yield Venue(rig.broker(), "mt5-1")


@pytest.fixture
async def over_binance() -> AsyncIterator[Venue]:
    async with exchange() as rig:
        rig.exchange.add(euro())
        rig.exchange.hold("USD", "10000")
        rig.exchange.fee_asset = "BNB"
        yield Venue(rig.broker("EURUSD"), "binance-1")


@pytest.fixture
async def over_oanda() -> AsyncIterator[Venue]:
    async with oanda() as rig:
        yield Venue(rig.broker(), "oanda-1")


@pytest.fixture(params=["paper", "mt_bridge", "connector", "binance", "oanda"])
def venue(request: pytest.FixtureRequest) -> Venue:
    """A venue of any kind, with an account of some money and nothing open."""
    made: Venue = request.getfixturevalue(f"over_{request.param}")
    return made


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
    await venue.opened()
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


# ---- closing


async def test_a_close_leaves_what_is_to_be_left_and_is_found_again(venue: Venue) -> None:
    position = await venue.opened()
    change = await venue.close(position, "0.04")
    assert (change.client_id, change.position_id) == ("pc-1", position)
    assert (change.volume_left, change.volume_closed) == (Decimal("0.04"), Decimal("0.06"))
    assert change.price > 0
    assert await venue.broker.look_up_change("pc-1") == change
    (held,) = await venue.broker.positions()
    assert (held.id, held.volume) == (position, Decimal("0.04"))


async def test_a_close_of_everything_leaves_nothing_and_ends_the_trade(venue: Venue) -> None:
    position = await venue.opened()
    change = await venue.close(position, "0")
    assert (change.volume_left, change.volume_closed) == (0, Decimal("0.10"))
    assert await venue.broker.positions() == ()
    (trade,) = await venue.broker.closed_since(BEGINNING)
    assert (trade.position_id, trade.volume, trade.reason) == (position, Decimal("0.10"), "manual")
    assert (trade.symbol, trade.exit_price) == ("EURUSD", change.price)
    assert trade.profit < 0


async def test_parts_of_a_trade_end_one_by_one(venue: Venue) -> None:
    position = await venue.opened()
    await venue.close(position, "0.04", "pc-1")
    await venue.close(position, "0", "pc-2")
    trades = await venue.broker.closed_since(BEGINNING)
    assert sorted(trade.volume for trade in trades) == [Decimal("0.04"), Decimal("0.06")]
    assert {trade.position_id.partition("/")[0] for trade in trades} == {position}
    assert len({trade.position_id for trade in trades}) == 2


@pytest.mark.parametrize("position", ["4711", "no-number", "p/../1"])
async def test_what_is_not_open_cannot_be_closed_or_moved(venue: Venue, position: str) -> None:
    with pytest.raises(BrokerRefused):
        await venue.close(position, "0")
    assert await venue.broker.look_up_change("pc-1") == NotFound(proven=True)
    with pytest.raises(BrokerRefused):
        await venue.modify(position, stop_loss=STOP)
    assert await venue.broker.look_up_change("pm-1") == NotFound(proven=True)


async def test_a_close_to_what_is_held_is_refused(venue: Venue) -> None:
    position = await venue.opened()
    with pytest.raises(BrokerRefused):
        await venue.close(position, "0.10")
    assert await venue.broker.look_up_change("pc-1") == NotFound(proven=True)
    assert [held.volume for held in await venue.broker.positions()] == [Decimal("0.10")]


async def test_the_same_close_again_closes_no_more(venue: Venue) -> None:
    position = await venue.opened()
    change = await venue.close(position, "0.04")
    with pytest.raises((BrokerRefused, BrokerSilent)):
        await venue.close(position, "0.04")
    with pytest.raises((BrokerRefused, BrokerSilent)):
        await venue.close(position, "0")
    assert await venue.broker.look_up_change("pc-1") == change
    assert [held.volume for held in await venue.broker.positions()] == [Decimal("0.04")]


# ---- moving stop and target


async def test_another_stop_leaves_the_target(venue: Venue) -> None:
    position = await venue.opened()
    change = await venue.modify(position, stop_loss=Decimal("1.09900"))
    assert (change.position_id, change.volume_left) == (position, Decimal("0.10"))
    assert (change.price, change.volume_closed) == (None, None)
    assert await venue.broker.look_up_change("pm-1") == change
    (held,) = await venue.broker.positions()
    assert (held.stop_loss, held.take_profit) == (Decimal("1.09900"), TARGET)


async def test_another_target_leaves_the_stop(venue: Venue) -> None:
    position = await venue.opened()
    await venue.modify(position, take_profit=(Decimal("1.10500"),))
    (held,) = await venue.broker.positions()
    assert (held.stop_loss, held.take_profit) == (STOP, Decimal("1.10500"))


async def test_both_levels_are_moved_at_once(venue: Venue) -> None:
    position = await venue.opened()
    change = await venue.modify(
        position, stop_loss=Decimal("1.09700"), take_profit=(Decimal("1.10600"),)
    )
    assert await venue.broker.look_up_change("pm-1") == change
    (held,) = await venue.broker.positions()
    assert (held.stop_loss, held.take_profit) == (Decimal("1.09700"), Decimal("1.10600"))


async def test_a_stop_beyond_the_price_is_refused_and_proven(venue: Venue) -> None:
    position = await venue.opened()
    with pytest.raises(BrokerRefused):
        await venue.modify(position, stop_loss=Decimal("1.20000"))
    assert await venue.broker.look_up_change("pm-1") == NotFound(proven=True)
    assert [held.stop_loss for held in await venue.broker.positions()] == [STOP]


async def test_a_change_that_never_came_is_proven_absent_for_good(venue: Venue) -> None:
    position = await venue.opened()
    assert await venue.broker.look_up_change("pc-1") == NotFound(proven=True)
    with pytest.raises((BrokerRefused, BrokerSilent)):
        await venue.close(position, "0")
    assert await venue.broker.look_up_change("pc-1") == NotFound(proven=True)
    assert [held.volume for held in await venue.broker.positions()] == [Decimal("0.10")]
