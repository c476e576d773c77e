"""What the paper broker takes, lends and fills: commission, fee, swap, margin, parts."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.instruments import instrument
from broker.terms import SwapUnit, Terms, TimeInForce, nights
from engine.domain.account import Direction
from engine.errors import BrokerRefused
from engine.gate.sizing import size
from engine.ports import Found
from engine.snapshot.canonical import plain, restore
from tests.builders import (
    HOUR,
    NOW,
    bundle,
    candle,
    closed_trade,
    order,
    position,
    proposal,
    strategy,
)
from tests.fakes import MemoryLedger
from tests.unit.test_paper import SHORT, ended, hours, venue

D = Decimal
SEVEN = Terms(commission_per_lot=D("3.5"))
QUIET = ("1.1000", "1.1005", "1.0995", "1.1000")


def until_midnight(broker, more=0):
    """The fourteen hours to the end of NOW's Wednesday, and so many more."""
    hours(broker, *[QUIET] * (14 + more))


async def test_commission_is_taken_at_both_sides_and_counted_from_the_first_moment():
    broker = venue(terms=SEVEN)
    await broker.submit(order())
    (held,) = await broker.positions()
    assert (held.profit, held.commission, held.swap) == (D("-1.80"), D("-0.70"), D(0))
    seen = await broker.account()
    assert (seen.balance, seen.equity) == (D("10000.00"), D("9998.20"))
    hours(broker, ("1.1000", "1.1040", "1.0990", "1.1030"))
    trade = await ended(broker)
    assert (trade.gross, trade.commission, trade.profit) == (D("38.90"), D("-0.70"), D("38.20"))
    assert (await broker.account()).balance == D("10038.20")


async def test_a_fee_is_part_of_each_deals_value_in_account_currency_rounded_up():
    broker = venue(terms=Terms(fee_percent=D("0.1")))
    await broker.submit(order())
    hours(broker, ("1.1000", "1.1040", "1.0990", "1.1030"))
    # 11,001.10 × 0.1 % is 11.01 (rounded up), 11,040.00 × 0.1 % is 11.04.
    assert (await ended(broker)).commission == D("-22.05")


@pytest.mark.parametrize(
    ("after", "until", "zone", "count"),
    [
        ("2017-06-05T10:00", "2017-06-05T23:59", "UTC", 0),
        ("2017-06-05T10:00", "2017-06-06T00:00", "UTC", 1),
        ("2017-06-06T00:00", "2017-06-06T12:00", "UTC", 0),
        ("2017-06-07T10:00", "2017-06-08T00:00", "UTC", 3),
        ("2017-06-09T10:00", "2017-06-12T08:00", "UTC", 1),
        ("2017-06-10T10:00", "2017-06-11T23:00", "UTC", 0),
        ("2017-06-05T00:00", "2017-06-12T00:00", "UTC", 7),
        # Midnight in Athens is nine in the evening, ten in winter.
        ("2017-06-05T10:00", "2017-06-05T21:00", "Europe/Athens", 1),
        ("2017-06-05T10:00", "2017-06-05T20:59", "Europe/Athens", 0),
        ("2017-12-04T10:00", "2017-12-04T21:59", "Europe/Athens", 0),
        ("2017-12-04T10:00", "2017-12-04T22:00", "Europe/Athens", 1),
    ],
)
def test_nights_are_the_brokers_midnights_and_wednesdays_counts_three(after, until, zone, count):
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (after, until))
    assert nights(first, last, ZoneInfo(zone)) == count


@pytest.mark.parametrize(
    ("terms", "values", "swap"),
    [
        (Terms(swap_long=D("-5"), swap_unit=SwapUnit.MONEY), {}, "-1.50"),
        (Terms(swap_short=D("2"), swap_unit=SwapUnit.MONEY), SHORT, "0.60"),
        (Terms(swap_short=D("2"), swap_unit=SwapUnit.MONEY), {}, "0.00"),
        # 6.5 points of 0.00001 on 10,000 units, three nights.
        (Terms(swap_long=D("-6.5")), {}, "-1.95"),
    ],
)
async def test_swap_is_charged_for_the_night_and_paid_at_the_end(terms, values, swap):
    broker = venue(terms=terms)
    await broker.submit(order(**values))
    hours(broker, *[QUIET] * 13)
    assert (await broker.positions())[0].swap == D(0)
    hours(broker, QUIET)
    for _ in range(2):
        assert str((await broker.positions())[0].swap) in (swap, f"{D(swap).normalize():f}")
    await broker.close("1", volume_left=D(0), client_id="c-1")
    trade = await ended(broker)
    assert (trade.swap, trade.profit) == (D(swap), trade.gross + D(swap))
    assert (await broker.account()).balance == 10_000 + trade.profit


async def test_parts_share_what_was_paid_to_the_cent():
    broker = venue(terms=Terms(commission_per_lot=D("3.33"), swap_long=D("-7.77")))
    targets = (D("1.10200"), D("1.10400"), D("1.10600"))
    await broker.submit(order(volume=D("0.10"), take_profit=targets))
    until_midnight(broker)
    (held,) = await broker.positions()
    hours(broker, ("1.1000", "1.1070", "1.0999", "1.1065"))
    trades = await broker.closed_since(NOW)
    assert len(trades) == 3
    assert sum(trade.swap for trade in trades) == held.swap == D("-2.33")
    account = await broker.account()
    assert account.balance == 10_000 + sum(trade.profit for trade in trades)


async def test_leverage_sets_the_margin_of_the_venue_and_of_whoever_sizes():
    broker = venue(terms=Terms(leverage=D(100)))
    await broker.submit(order())
    assert (await broker.account()).margin_used == D("110.01")
    terms = Terms(leverage=D(100))
    assert terms.of(instrument("EURUSD")).margin_rate == D("0.01")
    assert terms.of(instrument("BTCUSDT")).margin_rate == D(1)


async def test_the_worst_trade_is_closed_until_the_margin_level_is_above_the_limit():
    broker = venue(starting_balance=D(400), terms=Terms(leverage=D(30), stop_out_percent=D(50)))
    far = {"stop_loss": D("1.00000"), "take_profit": (D("1.20000"),)}
    await broker.submit(order(client_id="at-1", volume=D("0.05"), **far))
    hours(broker, ("1.1000", "1.1000", "1.0999", "1.0999"))
    await broker.submit(order(client_id="at-2", volume=D("0.02"), **far))
    hours(broker, ("1.0999", "1.0999", "1.0530", "1.0530"))
    (trade,) = await broker.closed_since(NOW - HOUR)
    assert (trade.client_id, trade.reason, trade.exit_price) == ("at-1", "stop_out", D("1.05299"))
    assert [held.client_id for held in await broker.positions()] == ["at-2"]
    assert (await broker.account()).balance == 400 + trade.profit


async def test_without_a_limit_nothing_is_stopped_out():
    broker = venue(starting_balance=D(400))
    await broker.submit(order(stop_loss=D("1.00000")))
    hours(broker, ("1.1000", "1.1000", "1.0500", "1.0500"))
    assert len(await broker.positions()) == 1


async def test_a_quote_fills_so_many_lots_and_the_rest_is_cancelled():
    broker = venue(terms=Terms(fill_lots=D("0.045")))
    fill = await broker.submit(order())
    assert (fill.volume, fill.unfilled) == (D("0.04"), D("0.06"))
    assert await broker.look_up("at-1") == Found(fill)
    (held,) = await broker.positions()
    assert held.volume == D("0.04")
    hours(broker, QUIET)
    assert (await broker.positions())[0].volume == D("0.04")
    small = await broker.submit(order(client_id="at-2", volume=D("0.03")))
    assert small.volume == D("0.03")


async def test_an_order_to_fill_or_kill_is_refused_when_a_quote_does_not_fill_it():
    broker = venue(terms=Terms(fill_lots=D("0.05"), time_in_force=TimeInForce.FOK))
    with pytest.raises(BrokerRefused, match=r"fills 0\.05 lots only"):
        await broker.submit(order())
    assert await broker.positions() == ()
    assert (await broker.submit(order(client_id="at-2", volume=D("0.05")))).unfilled == 0


async def test_a_quote_that_fills_less_than_the_least_volume_fills_nothing():
    broker = venue(terms=Terms(fill_lots=D("0.005")))
    with pytest.raises(BrokerRefused, match=r"fills 0\.005 lots only"):
        await broker.submit(order())
    assert await broker.positions() == ()


async def test_books_from_before_there_were_costs_load_and_are_not_charged_for_the_past():
    ledger = MemoryLedger()
    await venue(ledger=ledger).submit(order())
    (name,) = ledger.documents
    books = json.loads(ledger.documents[name])
    for key in ("commission", "swap", "rolled"):
        del books["positions"][0][key]
    ledger.documents[name] = json.dumps(books)
    broker = venue(ledger=ledger, terms=Terms(swap_long=D("-5"), swap_unit=SwapUnit.MONEY))
    assert (await broker.positions())[0].swap == 0
    until_midnight(broker)
    assert (await broker.positions())[0].swap == D("-1.50")


NEW = {
    "commission_per_lot", "fee_percent", "commission", "swap", "unfilled",
    "break_even", "trailing", "partial_close",
}  # fmt: skip


def before_costs(document):
    """A document as it was written before there were costs and rules for open trades."""
    if isinstance(document, dict):
        return {key: before_costs(part) for key, part in document.items() if key not in NEW}
    return [before_costs(part) for part in document] if isinstance(document, list) else document


@pytest.mark.parametrize(
    "whole", [bundle(positions=(position(),)), closed_trade(), order(), strategy()]
)
def test_what_was_stored_before_there_were_costs_reads_as_it_was(whole):
    old = before_costs(plain(whole))
    assert old != plain(whole)
    assert restore(type(whole), old) == whole


def test_money_at_risk_has_the_round_trip_in_it():
    free = size(strategy(), bundle(), proposal())
    known = Terms(commission_per_lot=D("3.5"), fee_percent=D("0.01")).of(instrument("EURUSD"))
    dear = size(strategy(), bundle(instrument=known), proposal())
    # A lot loses 200.00 at the stop; both sides cost 7.00 and 11.00 + 10.98.
    assert (free.volume, free.risk_money) == (D("0.25"), D("50.00"))
    assert (dear.volume, dear.risk_money) == (D("0.21"), D("48.09"))


PRICES = st.integers(-60, 60)
STEPS = st.lists(
    st.tuples(st.sampled_from(["buy", "sell", "part", "close", "wait"]), PRICES, PRICES, PRICES),
    min_size=1,
    max_size=30,
)
MONEY = st.decimals(-20, 20, places=2)
TERMS = st.builds(
    Terms,
    commission_per_lot=st.decimals(0, 20, places=2),
    fee_percent=st.decimals(0, 1, places=3),
    swap_long=MONEY,
    swap_short=MONEY,
    swap_unit=st.sampled_from(SwapUnit),
    leverage=st.sampled_from([D(0), D(30), D(500)]),
    stop_out_percent=st.sampled_from([D(0), D(50), D(100)]),
    fill_lots=st.sampled_from([D(0), D("0.03")]),
)


def hour_of(opened: datetime, shifts: tuple[int, int, int]):
    """A candle of an hour whose prices are so many pips from 1.1."""
    first, high, low = (D("1.1") + shift * D("0.0001") for shift in shifts)
    top, bottom = max(first, high, low), min(first, high, low)
    return candle(opened, open=first, high=top, low=bottom, close=high)


async def act(broker, name: str, number: int) -> None:
    try:
        if name in ("buy", "sell"):
            await open_(broker, Direction(name), number)
            return
        held = await broker.positions()
        if held and name != "wait":
            left = D(0) if name == "close" else held[0].volume - D("0.01")
            await broker.close(held[0].id, volume_left=left, client_id=f"c-{number}")
    except BrokerRefused:
        return


async def open_(broker, direction: Direction, number: int) -> None:
    away = direction.sign * D("0.0020")
    here = (await broker.market.quote("EURUSD")).bid
    await broker.submit(
        order(
            client_id=f"at-{number}", direction=direction, volume=D("0.07"),
            stop_loss=here - away, take_profit=(here + away, here + 2 * away),
        )
    )  # fmt: skip


async def run(steps, terms, *, often: bool):
    """Play steps, two of a day apart now and then; look at the books each hour, or when acting."""
    broker = venue(terms=terms, starting_balance=D(2_000))
    opened = NOW
    for number, (name, *shifts) in enumerate(steps):
        await act(broker, name, number)
        broker.market.close(hour_of(opened, shifts))
        opened += HOUR if number % 3 else timedelta(hours=9)
        if often:
            await check(broker)
    await check(broker)
    return await broker.closed_since(NOW - HOUR), await broker.positions(), await broker.account()


async def check(broker) -> None:
    account, held = await broker.account(), await broker.positions()
    closed = await broker.closed_since(NOW - HOUR)
    assert account.balance == 2_000 + sum(trade.profit for trade in closed)
    assert account.equity == account.balance + sum(position.profit for position in held)
    assert account.open_profit == sum(position.profit for position in held)
    for trade in closed:
        assert trade.gross + trade.commission + trade.swap == trade.profit
        assert trade.commission <= 0


@given(STEPS, TERMS)
def test_the_balance_is_what_closed_trades_made_and_equity_what_open_ones_would(steps, terms):
    often = asyncio.run(run(steps, terms, often=True))
    assert asyncio.run(run(steps, terms, often=False)) == often
