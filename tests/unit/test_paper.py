"""The paper broker: filled at bid and ask, ended by stop and target, its books always balanced."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from broker.books import Books
from broker.feeds.recorded import RecordedMarket, Recording
from broker.held import shares
from broker.instruments import instrument
from broker.paper import PaperBroker
from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.domain.order import together
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.builders import HOUR, NOW, candle, order, quote
from tests.fakes import HandMarket, MemoryLedger

BUY, SELL = Direction.BUY, Direction.SELL
SHORT = {
    "direction": SELL,
    "stop_loss": Decimal("1.10200"),
    "take_profit": (Decimal("1.09600"),),
}


def venue(*candles, ledger=None, spread="0.00010", symbol="EURUSD", **values):
    """A paper broker over a market that stands at 1.10000 / 1.10010 and is moved by hand."""
    market = HandMarket(instrument(symbol), candles or (candle(),), spread=Decimal(spread))
    kept = ledger or MemoryLedger()
    return PaperBroker(market=market, ledger=kept, timeframe=Timeframe.H1, **values)


def hours(broker, *prices):
    """Let an hour close for each (open, high, low, close)."""
    for four in prices:
        after = broker.market.played[-1].time + HOUR
        names = ("open", "high", "low", "close")
        broker.market.close(candle(after, **dict(zip(names, four, strict=True))))


async def ended(broker):
    """The one trade that ended, and that nothing is left open."""
    assert await broker.positions() == ()
    (trade,) = await broker.closed_since(NOW - HOUR)
    return trade


@pytest.mark.parametrize(
    ("direction", "price"), [(BUY, "1.10011"), (SELL, "1.09999")], ids=["ask", "bid"]
)
async def test_an_order_is_filled_at_its_side_of_the_quote_and_a_tenth_pip_worse(direction, price):
    broker = venue()
    fill = await broker.submit(order(direction=direction))
    assert str(fill.price) == price
    assert (fill.client_id, fill.broker_id, fill.volume) == ("at-1", "1", Decimal("0.10"))
    assert fill.time == NOW
    (held,) = await broker.positions()
    assert (held.client_id, held.direction, str(held.entry_price)) == ("at-1", direction, price)
    assert (held.stop_loss, held.take_profit) == (order().stop_loss, order().take_profit[0])


async def test_slippage_is_a_setting():
    fill = await venue(slippage_pips=Decimal(2)).submit(order())
    assert fill.price == Decimal("1.10030")


@pytest.mark.parametrize(
    ("direction", "hour", "price", "reason"),
    [
        (BUY, ("1.1000", "1.1010", "1.0980", "1.0990"), "1.09800", "stop_loss"),
        (BUY, ("1.1000", "1.1040", "1.0990", "1.1030"), "1.10400", "take_profit"),
        (BUY, ("1.1000", "1.1040", "1.0980", "1.1030"), "1.09800", "stop_loss"),
        (BUY, ("1.0950", "1.0990", "1.0940", "1.0960"), "1.0950", "stop_loss"),
        (BUY, ("1.1060", "1.1070", "1.1050", "1.1060"), "1.1060", "take_profit"),
        # A short leaves at the ask, a pip above the candle's bids.
        (SELL, ("1.1000", "1.1019", "1.0990", "1.1010"), "1.10200", "stop_loss"),
        (SELL, ("1.1000", "1.1010", "1.0959", "1.0970"), "1.09600", "take_profit"),
        (SELL, ("1.1000", "1.1019", "1.0959", "1.0970"), "1.10200", "stop_loss"),
        (SELL, ("1.1050", "1.1060", "1.1040", "1.1050"), "1.10510", "stop_loss"),
        (SELL, ("1.0940", "1.0950", "1.0930", "1.0940"), "1.09410", "take_profit"),
    ],
    ids=[
        f"{side}-{what}"
        for side in ("long", "short")
        for what in ("stop", "target", "both", "gap-through-stop", "gap-through-target")
    ],
)
async def test_a_trade_ends_where_the_market_took_it(direction, hour, price, reason):
    broker = venue()
    await broker.submit(order() if direction is BUY else order(**SHORT))
    hours(broker, hour)
    trade = await ended(broker)
    assert (str(trade.exit_price), trade.reason) == (price, reason)
    entry = Decimal("1.10011") if direction is BUY else Decimal("1.09999")
    assert trade.entry_price == entry
    gained = direction.sign * (trade.exit_price - entry) * 10_000
    assert trade.profit == gained.quantize(Decimal("0.01"))
    assert (await broker.account()).balance == 10_000 + trade.profit
    assert trade.closed_at == NOW + HOUR


@pytest.mark.parametrize(
    ("values", "hour"),
    [
        ({}, ("1.1000", "1.10399", "1.09801", "1.1000")),
        (SHORT, ("1.1000", "1.10189", "1.09591", "1.1000")),
    ],
)
async def test_a_trade_stays_open_a_point_short_of_both(values, hour):
    broker = venue()
    await broker.submit(order(**values))
    hours(broker, hour)
    assert len(await broker.positions()) == 1
    assert await broker.closed_since(NOW - HOUR) == ()


async def test_the_candle_before_the_fill_ends_nothing():
    broker = venue(candle(high="1.2", low="1.0"))
    await broker.submit(order())
    assert len(await broker.positions()) == 1


async def test_the_first_candle_that_reaches_a_level_ends_the_trade():
    broker = venue()
    await broker.submit(order())
    hours(
        broker,
        ("1.1000", "1.1010", "1.0990", "1.1000"),
        ("1.1000", "1.1045", "1.0990", "1.1000"),
        ("1.1000", "1.1010", "1.0900", "1.1000"),
    )
    trade = await ended(broker)
    assert trade.reason == "take_profit"
    assert trade.closed_at == NOW + 2 * HOUR


async def test_a_candle_is_played_once():
    broker = venue()
    await broker.submit(order())
    hours(broker, ("1.1000", "1.1040", "1.0990", "1.1030"))
    before = await broker.account()
    assert await broker.account() == before
    assert len(await broker.closed_since(NOW - HOUR)) == 1


async def test_trades_are_told_after_an_instant_and_not_at_it():
    broker = venue()
    await broker.submit(order())
    hours(broker, ("1.1000", "1.1040", "1.0990", "1.1030"))
    assert len(await broker.closed_since(NOW + HOUR - timedelta(seconds=1))) == 1
    assert await broker.closed_since(NOW + HOUR) == ()


async def test_equity_is_the_balance_and_what_is_open():
    broker = venue()
    await broker.submit(order())
    hours(broker, ("1.1000", "1.1030", "1.0990", "1.1020"))
    seen = await broker.account()
    assert seen.balance == Decimal("10000.00")
    assert seen.open_profit == Decimal("18.90")  # 1.10200 − 1.10011 on 10,000 units, at the bid
    assert seen.equity == Decimal("10018.90")
    assert seen.margin_used == Decimal("366.34")  # 10,000 × 1.10011 × 3.33 %
    assert seen.margin_free == Decimal("9652.56")
    assert seen.captured_at == NOW + HOUR
    assert (seen.id, seen.currency) == ("paper-1", "USD")


async def test_an_open_short_is_valued_at_the_ask():
    broker = venue()
    await broker.submit(order(**SHORT))
    assert (await broker.account()).open_profit == Decimal("-1.10")  # 1.09999 − 1.10010


async def test_an_account_in_the_base_currency_counts_in_it():
    broker = venue(currency="EUR")
    await broker.submit(order())
    seen = await broker.account()
    assert seen.open_profit == Decimal("-1.00")  # −1.10 dollars at 1.10000
    assert seen.margin_used == Decimal("333.03")


async def test_an_order_is_refused_when_no_rate_leads_to_the_account():
    broker = venue(currency="GBP")
    with pytest.raises(BrokerRefused, match="from USD to GBP"):
        await broker.submit(order())
    assert await broker.positions() == ()
    assert await broker.look_up("at-1") == NotFound(proven=True)


async def test_an_account_that_cannot_be_valued_does_not_answer():
    broker = venue(currency="GBP")
    broker.market.others["GBPUSD"] = quote("1.25000", "1.25000")
    await broker.submit(order())
    broker.market.others.clear()
    with pytest.raises(BrokerSilent, match="from USD to GBP"):
        await broker.account()
    with pytest.raises(BrokerSilent, match="from USD to GBP"):
        await broker.positions()


async def test_a_loss_is_paid_at_the_worse_side_of_a_pair_and_a_gain_too():
    broker = venue(currency="GBP", slippage_pips=Decimal(0))
    broker.market.others["GBPUSD"] = quote("1.25000", "1.60000")
    await broker.submit(order())
    hours(broker, ("1.1000", "1.1030", "1.0990", "1.10170"))
    assert (await broker.account()).open_profit == Decimal("10.00")  # 16 dollars at 1.60
    hours(broker, ("1.1000", "1.1030", "1.0981", "1.09850"))
    assert (await broker.account()).open_profit == Decimal("-12.80")  # 16 dollars at 1.25
    hours(broker, ("1.1000", "1.1030", "1.0970", "1.09850"))
    assert (await ended(broker)).profit == Decimal("-16.80")  # 21 dollars at 1.25


async def test_a_trade_of_the_accounts_own_currency_is_paid_at_its_exit():
    broker = venue(currency="EUR", slippage_pips=Decimal(0))
    await broker.submit(order(stop_loss=Decimal("1.00000")))
    hours(broker, ("1.1000", "1.2000", "0.9900", "1.20000"))
    assert (await ended(broker)).profit == Decimal("-1001.00")  # 1,001 dollars at 1.00000


async def test_a_trade_that_the_free_margin_does_not_carry_is_refused():
    broker = venue(starting_balance=Decimal("366.33"))
    with pytest.raises(BrokerRefused, match="not enough free margin"):
        await broker.submit(order())
    assert await broker.positions() == ()
    richer = venue(starting_balance=Decimal("366.34"))
    assert (await richer.submit(order())).volume == Decimal("0.10")


async def test_what_is_open_leaves_less_margin_for_the_next():
    broker = venue(starting_balance=Decimal("700"))
    await broker.submit(order(client_id="at-1"))
    with pytest.raises(BrokerRefused, match="not enough free margin"):
        await broker.submit(order(client_id="at-2"))
    assert len(await broker.positions()) == 1


async def test_an_order_is_taken_once():
    broker = venue()
    await broker.submit(order())
    with pytest.raises(BrokerRefused, match="order at-1 was given before"):
        await broker.submit(order())
    assert len(await broker.positions()) == 1


async def test_an_order_that_ended_is_not_taken_again():
    broker = venue()
    await broker.submit(order())
    hours(broker, ("1.1000", "1.1040", "1.0990", "1.1030"))
    with pytest.raises(BrokerRefused, match="given before"):
        await broker.submit(order())


async def test_an_unquoted_symbol_is_refused():
    broker = venue()
    broker.market.quoted = False
    with pytest.raises(BrokerRefused, match="EURUSD is not quoted"):
        await broker.submit(order())


async def test_an_order_is_found_with_its_fill_even_after_its_trade_ended():
    broker = venue()
    fill = await broker.submit(order())
    assert await broker.look_up("at-1") == Found(fill)
    hours(broker, ("1.1000", "1.1040", "1.0990", "1.1030"))
    assert await broker.look_up("at-1") == Found(fill)


async def test_an_order_proven_absent_can_never_arrive():
    broker = venue()
    assert await broker.look_up("at-1") == NotFound(proven=True)
    assert await broker.look_up("at-1") == NotFound(proven=True)
    with pytest.raises(BrokerRefused, match="given before"):
        await broker.submit(order())
    assert await broker.positions() == ()
    assert (await broker.submit(order(client_id="at-2"))).client_id == "at-2"


async def test_an_order_that_was_refused_is_proven_absent():
    broker = venue(starting_balance=Decimal(1))
    with pytest.raises(BrokerRefused, match="margin"):
        await broker.submit(order())
    assert await broker.look_up("at-1") == NotFound(proven=True)


async def test_the_books_outlive_the_broker_and_are_its_accounts_own():
    ledger = MemoryLedger()
    await venue(ledger=ledger).submit(order())
    assert [p.client_id for p in await venue(ledger=ledger).positions()] == ["at-1"]
    other = venue(ledger=ledger, account_id="paper-2")
    assert await other.positions() == ()
    assert (await other.submit(order())).broker_id == "1"


async def test_positions_have_numbers_of_their_own():
    broker = venue()
    fills = [await broker.submit(order(client_id=f"at-{n}")) for n in range(3)]
    assert [fill.broker_id for fill in fills] == ["1", "2", "3"]
    assert [held.id for held in await broker.positions()] == ["1", "2", "3"]


async def test_a_trade_in_yen_is_counted_in_dollars():
    here = candle(open="150", high="150.1", low="149.9", close="150")
    broker = venue(here, symbol="USDJPY", spread="0.010")
    levels = {"stop_loss": Decimal(149), "take_profit": (Decimal(152),)}
    await broker.submit(order(symbol="USDJPY", **levels))
    seen = await broker.account()
    assert seen.open_profit == Decimal("-0.73")  # (150.000 − 150.011) × 10,000 ÷ 150
    assert seen.margin_used == Decimal("333.02")


async def test_it_never_says_that_real_money_moves():
    assert venue().is_live is False


async def test_it_trades_a_recording():
    ledger = MemoryLedger()
    tape = Recording(
        name="three", symbol="EURUSD", timeframe=Timeframe.H1, spread_pips="1.0",
        candles=[
            candle(NOW - HOUR),
            candle(NOW, high="1.10400"),
            candle(NOW + HOUR),
        ],
    )  # fmt: skip
    market = RecordedMarket(tape, ledger, start=1)
    broker = PaperBroker(market=market, ledger=ledger, timeframe=Timeframe.H1)
    assert str((await broker.submit(order())).price) == "1.10011"
    await market.advance(lambda: NOW, timedelta(0))
    assert (await ended(broker)).reason == "take_profit"


TARGETS = (Decimal("1.10200"), Decimal("1.10400"), Decimal("1.10600"))


async def test_each_target_takes_its_share():
    broker = venue()
    await broker.submit(order(volume=Decimal("0.10"), take_profit=TARGETS))
    assert (await broker.positions())[0].take_profit == TARGETS[0]
    broker.market.close(candle(NOW, high="1.10250", low="1.09900"))
    (held,) = await broker.positions()
    assert (held.volume, held.take_profit) == (Decimal("0.07"), TARGETS[1])
    broker.market.close(candle(NOW + HOUR, high="1.10650", low="1.09900"))
    assert await broker.positions() == ()
    trades = await broker.closed_since(NOW - HOUR)
    assert [(t.position_id, t.volume, t.exit_price) for t in trades] == [
        ("1/1", Decimal("0.03"), TARGETS[0]),
        ("1/2", Decimal("0.03"), TARGETS[1]),
        ("1", Decimal("0.04"), TARGETS[2]),
    ]
    whole = together(trades)
    assert (whole.position_id, whole.volume) == ("1", Decimal("0.10"))
    assert whole.exit_price == Decimal("1.10420")
    assert whole.profit == (await broker.account()).balance - 10_000


async def test_stop_takes_what_the_targets_left():
    broker = venue()
    await broker.submit(order(take_profit=TARGETS))
    broker.market.close(
        candle(NOW, high="1.10250", low="1.09900"), candle(NOW + HOUR, low="1.09700")
    )
    trades = await broker.closed_since(NOW - HOUR)
    assert [t.reason for t in trades] == ["take_profit", "stop_loss"]
    assert sum(t.volume for t in trades) == order().volume


async def test_of_a_stop_and_a_target_in_one_candle_the_stop_takes_everything():
    broker = venue()
    await broker.submit(order(take_profit=TARGETS))
    broker.market.close(candle(NOW, high="1.10700", low="1.09700"))
    (trade,) = await broker.closed_since(NOW - HOUR)
    assert (trade.reason, trade.volume) == ("stop_loss", order().volume)


@pytest.mark.parametrize(("way", "price"), [(BUY, "1.10100"), (SELL, "1.10110")])
async def test_trade_is_closed_when_its_time_is_up(way, price):
    broker = venue()
    levels = SHORT if way is SELL else {}
    await broker.submit(order(time_limit_min=90, **levels))
    quiet = {"open": "1.10100", "high": "1.10110", "low": "1.10090", "close": "1.10100"}
    broker.market.close(candle(NOW, **quiet), candle(NOW + HOUR, **quiet))
    assert len(await broker.positions()) == 1
    broker.market.close(candle(NOW + 2 * HOUR, **quiet))
    (trade,) = await broker.closed_since(NOW - HOUR)
    assert (trade.reason, trade.exit_price) == ("time_limit", Decimal(price))


@pytest.mark.parametrize(
    ("volume", "count", "wanted"),
    [
        ("0.10", 1, ["0.10"]),
        ("0.10", 2, ["0.05", "0.05"]),
        ("0.10", 3, ["0.03", "0.03", "0.04"]),
        ("0.02", 3, ["0.01", "0.01"]),
        ("0.01", 3, ["0.01"]),
    ],
)
def test_shares_are_equal_whole_steps_and_nothing_is_lost(volume, count, wanted):
    step = Decimal("0.01")
    found = shares(Decimal(volume), count, step=step, least=step)
    assert [str(share) for share in found] == wanted


def test_books_of_an_older_release_are_read_as_they_were_written():
    written = {
        "id": "7", "client_id": "at-1", "strategy_id": "s", "symbol": "EURUSD", "direction": "sell",
        "volume": "0.10", "entry_price": "1.10009", "stop_loss": "1.11000", "time_limit_min": None,
        "targets": ["1.09000", "1.08000"], "shares": ["0.05", "0.05"],
        "opened_at": "2026-01-05T09:00:00+00:00", "seen": "2026-01-05T08:00:00+00:00",
    }  # fmt: skip
    (held,) = Books.load({"positions": [written]}, Decimal(0)).positions
    assert (held.direction, held.leaving, held.shares) == (SELL, BUY, (Decimal("0.05"),) * 2)
    assert (held.rolled, held.commission, held.taken) == (None, 0, 0)
    assert held.opened_at == datetime(2026, 1, 5, 9, tzinfo=UTC)
