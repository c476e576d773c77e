"""The client's side: what counts as refused, what as silence, and what the market shows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.settings import Settings
from bot.venues import build_venue
from broker.feeds.stored import StoredMarket
from broker.mt5.client import Connector
from broker.mt5.market import Mt5Market
from broker.mt5.names import Names
from broker.mt5.venue import Mt5Broker
from engine.domain.market import Timeframe
from engine.domain.order import Order
from engine.errors import BrokerRefused, BrokerSilent, FeedError, InvalidInput, NotFound
from engine.ports import Found
from engine.ports import NotFound as Absent
from tests.builders import order as order_of
from tests.memory import MemoryStore
from tests.mt5 import TOKEN
from tests.mt5.rig import WATCHED, Rig, clock


def order(number: int = 1, **fields: Any) -> Order:
    """An order for the account."""
    made = order_of(client_id=f"at-{number:024}", account_id="mt5-1")
    return replace(made, valid_until=datetime.now(UTC) + timedelta(minutes=1), **fields)


def broker_at(url: str, token: str = TOKEN) -> Mt5Broker:
    """An adapter for that address, with little patience."""
    connector = Connector(url=url, token=token, seconds=0.5)
    names = Names(connector=connector, watched=replace(WATCHED, names={"EURUSD": "EURUSD"}))
    return Mt5Broker(connector=connector, names=names, store=MemoryStore(clock), account_id="mt5-1")


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """A connector that answers everything alike; its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url(""))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (504, '{"error": {"code": "unknown", "message": "?"}}'),
        (504, "<html>Gateway Time-out</html>"),
        (502, "<html>"),
        (503, "<html>"),
        (500, '{"error": {"code": "INTERNAL"}}'),
        (409, '{"error": {"code": "key_reused", "message": "?"}}'),
        (403, '{"message": "the proxy says no"}'),
        (302, "{}"),
        (200, "no json"),
        (200, "[]"),
        (200, "{}"),
        (200, '{"status": "ok", "positions": [], "filled_price": 1, "lot_size": 1}'),
    ],
)
async def test_what_leaves_the_outcome_open_is_silence(status: int, body: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    async with answering(answer) as url:
        venue = broker_at(url)
        with pytest.raises(BrokerSilent):
            await venue.submit(order())
        with pytest.raises(BrokerSilent):
            await venue.close("1", volume_left=Decimal(0), client_id="c-1")
        for asked in (venue.account, venue.positions):
            with pytest.raises(BrokerSilent):
                await asked()
        with pytest.raises(BrokerSilent):
            await venue.look_up("at-1")


async def test_a_connection_that_breaks_or_hangs_is_silence() -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(2)
        return web.Response()

    async def break_off(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    for kind in (hang, break_off):
        async with answering(kind) as url:
            with pytest.raises(BrokerSilent):
                await broker_at(url).submit(order())


async def test_what_never_left_is_refused_and_what_is_asked_is_silence(
    unused_tcp_port: int,
) -> None:
    venue = broker_at(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(BrokerRefused, match="cannot be reached"):
        await venue.submit(order())
    with pytest.raises(BrokerRefused):
        await venue.modify("1", stop_loss=Decimal(1), client_id="m")
    with pytest.raises(BrokerSilent):
        await venue.account()
    with pytest.raises(BrokerSilent):
        await venue.look_up("at-1")


async def test_a_wrong_token_sends_nothing_and_shows_nothing(rig: Rig) -> None:
    venue = broker_at(str(rig.client.make_url("")), token="x" * 32)
    with pytest.raises(BrokerRefused, match="token"):
        await venue.submit(order())
    with pytest.raises(BrokerSilent, match="token"):
        await venue.account()
    assert rig.exchange.sent == []
    assert TOKEN not in repr(rig.broker()) + str(rig.settings)


async def test_an_order_that_expired_on_the_way_is_refused(rig: Rig) -> None:
    late = replace(order(), valid_until=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(BrokerRefused):
        await rig.broker().submit(late)
    assert rig.exchange.sent == []


async def test_positions_carry_their_order_and_strategy(rig: Rig) -> None:
    store = MemoryStore(clock)
    venue, mine = rig.broker(store), order(take_profit=(Decimal("1.104"), Decimal("1.105")))
    async with store.begin() as tx:
        await tx.orders.add(mine)
    fill = await venue.submit(mine)
    positions = await venue.positions()
    assert {position.client_id for position in positions} == {mine.client_id}
    assert {position.strategy_id for position in positions} == {mine.strategy_id}
    assert [position.volume for position in positions] == [Decimal("0.05")] * 2
    assert fill.broker_id == positions[0].id
    with rig.server.held() as held:
        held.quote("EURUSD", 1.1041, 1.1042)
    (trade,) = await venue.closed_since(datetime(2020, 1, 1, tzinfo=UTC))
    assert (trade.client_id, trade.reason) == (mine.client_id, "take_profit")
    assert (trade.exit_price, trade.profit) == (Decimal("1.10410"), Decimal("20.00"))


async def test_a_real_account_is_not_shown_as_paper(rig: Rig) -> None:
    rig.exchange.flags.trade_mode = 2
    with pytest.raises(BrokerSilent, match="real account"):
        await rig.broker().account()
    live = rig.broker(is_live=True)
    assert (await live.account()).equity > 0
    with pytest.raises(BrokerRefused, match="LIVE_TRADING_ENABLED"):
        await live.submit(order())


async def test_a_lost_answer_is_silence_and_then_found(rig: Rig) -> None:
    venue = rig.broker()
    rig.server.faults = [("order_send", "hang_after")]
    try:
        fill = await venue.submit(order())
    except BrokerSilent:
        await rig.ends(order().client_id)
    else:
        assert fill.volume == order().volume
    found = await venue.look_up(order().client_id)
    assert isinstance(found, Found)
    assert found.fill.volume == order().volume
    await rig.ready()
    rig.server.faults = [("order_send", "hang_before")]
    with pytest.raises((BrokerSilent, BrokerRefused)):
        await venue.submit(order(2))
    await rig.ends(order(2).client_id)
    assert await venue.look_up(order(2).client_id) == Absent(proven=True)


# ---- the market


def market(rig: Rig) -> Mt5Market:
    """The market of the rig's connector."""
    venue = rig.broker()
    return Mt5Market(connector=venue.connector, names=venue.names, clock=clock)


async def test_the_market_is_what_the_terminal_shows(rig: Rig) -> None:
    shown = market(rig)
    with rig.server.held() as held:
        held.symbols["GOLD"].freeze_level = 20
    quote = await shown.quote("XAUUSD")
    assert quote is not None
    assert (quote.bid, quote.ask) == (Decimal("2400.00"), Decimal("2400.30"))
    assert abs(quote.time - await shown.instant()) < timedelta(seconds=5)
    gold = await shown.instrument("XAUUSD")
    assert (gold.symbol, gold.base, gold.digits) == ("XAUUSD", "XAU", 2)
    assert (gold.pip, gold.contract_size, gold.stops_level) == (
        Decimal("0.1"), Decimal(100), Decimal("0.50"),
    )  # fmt: skip
    assert (gold.margin_rate, gold.freeze_level) == (Decimal("0.002"), Decimal("0.20"))
    candles = await shown.candles("EURUSD", Timeframe.H1, 5)
    assert len(candles) == 5
    assert all(b.time - a.time == timedelta(hours=1) for a, b in pairwise(candles))
    assert await shown.candles_since("EURUSD", Timeframe.H1, candles[-3].time) == candles[-2:]
    assert await shown.candles("EURUSD", Timeframe.D1, 0) == ()
    assert set(await shown.rates(["EURUSD", "XAUUSD", "USDEUR", "XAU"])) == {
        "EURUSD", "XAUUSD",
    }  # fmt: skip
    with pytest.raises(NotFound):
        await shown.instrument("NZDUSD")
    rig.exchange.symbols["EURUSD"].bid = 0.0
    assert await shown.quote("EURUSD") is None


async def test_a_market_that_cannot_be_read_is_a_fault_of_the_feed(rig: Rig) -> None:
    shown = market(rig)
    await shown.quote("EURUSD")
    rig.exchange.symbols["EURUSD"].ask = float("nan")
    assert await shown.quote("EURUSD") is None
    rig.server.dead = True
    for asked in (
        shown.quote("EURUSD"), shown.candles("EURUSD", Timeframe.H1, 3),
        shown.instrument("EURUSD"), shown.rates(["EURUSD"]),
    ):  # fmt: skip
        with pytest.raises(FeedError):
            await asked


# ---- wiring


def test_the_settings_choose_the_connector() -> None:
    def settings(**fields: Any) -> Settings:
        return Settings(_env_file=None, broker="mt5", **fields)  # type: ignore[call-arg]

    store: Any = None
    made = build_venue(
        settings(
            mt5_connector_url="http://127.0.0.1:8091/", mt5_connector_token=TOKEN,
            account_id="mt5-1", ea_symbols="XAUUSD=GOLD:M15",
        ),
        store, store, clock,
    )  # fmt: skip
    assert isinstance(made.broker, Mt5Broker)
    assert isinstance(made.market, StoredMarket)
    assert isinstance(made.market.remote, Mt5Market)
    assert made.watched.names == {"XAUUSD": "GOLD"}
    for fields in ({}, {"mt5_connector_url": "http://x"}, {"mt5_connector_token": TOKEN},
                   {"mt5_connector_url": "x:1", "mt5_connector_token": TOKEN}):  # fmt: skip
        with pytest.raises(InvalidInput, match="MT5_CONNECTOR_URL"):
            build_venue(settings(**fields), store, store, clock)
