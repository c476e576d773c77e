"""Money of one currency in another: the right pair, the worse side, and never a guess."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.feeds.recorded import RecordedMarket, Recording
from broker.instruments import instrument
from engine.domain.account import Direction
from engine.domain.conversion import convert, pairs
from engine.domain.market import Conversion, Quote, RateStep, Timeframe
from engine.errors import InvalidInput, NotFound
from engine.snapshot.valuation import worth
from tests.builders import HOUR, NOW, account, bundle, candle, open_order, position, quote
from tests.fakes import HandMarket, MemoryLedger

MARKET = {
    "EURUSD": quote("1.24990", "1.25010"),
    "GBPUSD": quote("1.56240", "1.56260"),
    "USDJPY": quote("149.990", "150.010"),
    "EURGBP": quote("0.79990", "0.80010"),
    "EURJPY": quote("187.490", "187.510"),
    "EURSEK": quote("11.0000", "11.0100"),
    "USDTUSD": quote("0.9990", "1.0010"),
}


def way(symbol, currency, quotes=MARKET, *, gain=False):
    """The pairs a conversion takes, as one writes them by hand, and its rate."""
    found = convert(instrument(symbol), currency, quotes, gain=gain)
    if found is None:
        return None
    steps = " ".join(f"{'/' if s.divide else '*'}{s.symbol}@{s.price}" for s in found.path)
    return steps, str(found.rate)


@pytest.mark.parametrize(
    ("symbol", "currency", "steps", "rate"),
    [
        ("EURUSD", "USD", "", "1"),
        ("BTCUSDT", "USDT", "", "1"),
        ("EURUSD", "EUR", "/EURUSD@1.24990", "0.800064005121"),
        ("USDJPY", "USD", "/USDJPY@149.990", "0.00666711114075"),
        ("EURGBP", "USD", "*GBPUSD@1.56260", "1.56260"),
        ("GER40", "JPY", "*EURJPY@187.510", "187.510"),
        ("GBPUSD", "JPY", "*USDJPY@150.010", "150.010"),
        ("JP225", "EUR", "/EURJPY@187.490", "0.00533361779295"),
        ("EURUSD", "GBP", "/GBPUSD@1.56240", "0.640040962622"),
        ("BTCUSDT", "USD", "*USDTUSD@1.0010", "1.0010"),
        # Over the dollar, then over the euro.
        ("BTCUSDT", "GBP", "*USDTUSD@1.0010 /GBPUSD@1.56240", "0.640681003585"),
        ("UK100", "JPY", "*GBPUSD@1.56260 *USDJPY@150.010", "234.40562600"),
        ("UK100", "SEK", "/EURGBP@0.79990 *EURSEK@11.0100", "13.7642205276"),
        ("XAUUSD", "SEK", "/EURUSD@1.24990 *EURSEK@11.0100", "8.80870469638"),
    ],
)
def test_the_shortest_way_into_the_account_is_taken_at_the_side_that_costs_more(
    symbol, currency, steps, rate
):
    assert way(symbol, currency) == (steps, rate)


@pytest.mark.parametrize(
    ("symbol", "currency", "steps"),
    [
        ("EURGBP", "USD", "*GBPUSD@1.56240"),
        ("EURUSD", "EUR", "/EURUSD@1.25010"),
        ("UK100", "JPY", "*GBPUSD@1.56240 *USDJPY@149.990"),
    ],
)
def test_a_gain_is_sold_at_the_other_side(symbol, currency, steps):
    assert way(symbol, currency, gain=True)[0] == steps


def test_there_is_no_rate_without_a_way():
    assert way("EURUSD", "CHF") is None
    assert way("UK100", "SEK", {"GBPUSD": MARKET["GBPUSD"], "EURSEK": MARKET["EURSEK"]}) is None
    assert way("EURUSD", "EUR", {}) is None


def test_a_pair_that_is_gone_is_gone_around():
    less = {name: quote for name, quote in MARKET.items() if name != "USDJPY"}
    assert way("XAUUSD", "JPY", less)[0] == "/EURUSD@1.24990 *EURJPY@187.510"


def test_a_symbol_under_a_name_of_the_venues_own_is_its_own_rate():
    named = replace(instrument("USDJPY"), symbol="USDJPY.r")
    found = convert(named, "USD", {"USDJPY.r": MARKET["USDJPY"]})
    assert found.path == (RateStep(symbol="USDJPY.r", price=Decimal("149.990"), divide=True),)


def test_every_pair_a_way_may_take_is_asked_for_and_none_for_nothing():
    assert pairs(instrument("EURUSD"), "USD") == frozenset()
    assert pairs(instrument("EURUSD"), "EUR") == {"EURUSD", "USDEUR"}
    assert pairs(instrument("UK100"), "JPY") == {
        "GBPJPY", "JPYGBP", "GBPUSD", "USDGBP", "USDJPY", "JPYUSD",
        "GBPEUR", "EURGBP", "EURJPY", "JPYEUR",
    }  # fmt: skip


prices = st.decimals("0.00001", "100000", places=5)


@given(
    symbol=st.sampled_from(("EURGBP", "GBPUSD", "USDJPY", "JP225", "XAUUSD", "BTCUSDT")),
    currency=st.sampled_from(("USD", "EUR", "JPY", "GBP", "USDT")),
    bids=st.lists(prices, min_size=len(MARKET), max_size=len(MARKET)),
    spread=st.decimals(0, 1, places=5),
)
def test_a_loss_is_never_taken_for_less_and_a_gain_never_for_more(symbol, currency, bids, spread):
    quotes = {
        name: Quote(bid, bid + spread, NOW) for name, bid in zip(MARKET, bids, strict=True)
    }  # fmt: skip
    spec = instrument(symbol)
    loss = convert(spec, currency, quotes)
    gain = convert(spec, currency, quotes, gain=True)
    assert loss is not None
    assert gain is not None
    exact = {True: Fraction(1), False: Fraction(1)}
    for is_gain, found in ((False, loss), (True, gain)):
        for step in found.path:
            price = Fraction(step.price)
            exact[is_gain] *= 1 / price if step.divide else price
    slack = 1 + Fraction(1, 10**10)
    assert exact[False] <= Fraction(loss.rate) <= exact[False] * slack
    assert exact[True] / slack <= Fraction(gain.rate) <= exact[True]
    assert gain.rate <= loss.rate


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", "Infinity"])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(InvalidInput, match="rate"):
        Conversion(rate=Decimal(rate))


# ---- what is collected -----------------------------------------------------------------------


class Market(HandMarket):
    """A market that knows the specification of every usual symbol and no other."""

    async def instrument(self, symbol):
        return instrument(symbol)


async def valued(*symbols, currency="EUR", quotes=MARKET, seen=None, spec="EURGBP"):
    market = Market(instrument(spec), [candle()])
    market.quoted = False
    market.others = dict(quotes)
    return await worth(
        market, symbols, account(currency=currency), instant=NOW, oldest=3 * HOUR, seen=seen or {}
    )


def aged(age, symbol="EURUSD"):
    return MARKET | {symbol: replace(MARKET[symbol], time=NOW - age)}


async def test_a_rate_may_be_as_old_as_the_settings_say_and_no_older():
    just = await valued("GBPUSD", quotes=aged(3 * HOUR))
    assert just.conversions["GBPUSD"].path[0].symbol == "EURUSD"
    late = await valued("GBPUSD", quotes=aged(3 * HOUR + timedelta(seconds=1)))
    # The dollar is left by another way: through the pound to the euro there is none.
    assert late.conversions == {}
    assert late.valuations == ()


async def test_a_rate_from_the_future_is_none():
    assert (await valued("GBPUSD", quotes=aged(timedelta(seconds=-5)))).conversions
    assert not (await valued("GBPUSD", quotes=aged(timedelta(seconds=-6)))).conversions


async def test_a_symbol_whose_market_is_closed_is_worth_its_last_price():
    found = await valued("GER40", quotes={"GER40": quote("16000", "16001", at=NOW - 72 * HOUR)})
    (known,) = found.valuations
    assert (known.price, known.conversion.rate) == (16001, 1)


async def test_a_quote_that_was_seen_before_is_the_one_that_counts():
    seen = {"EURUSD": quote("1.00000", "1.00010")}
    found = await valued("EURUSD", seen=seen)
    assert found.conversions["EURUSD"].rate == 1
    assert found.valuations[0].price == Decimal("1.00010")


async def test_what_the_market_does_not_know_is_left_out():
    found = await valued("EURUSD", "NOSUCH", "XAGUSD")
    assert sorted(found.conversions) == ["EURUSD", "XAGUSD"]
    assert [known.symbol for known in found.valuations] == ["EURUSD"]


async def test_without_an_account_nothing_is_valued():
    market = Market(instrument("EURUSD"), [candle()])
    found = await worth(market, ["EURUSD"], None, instant=NOW, oldest=HOUR, seen={})
    assert (found.conversions, found.valuations) == ({}, ())


async def test_a_recording_gives_the_one_rate_it_has():
    tape = Recording(
        name="two", symbol="EURUSD", timeframe=Timeframe.H1, candles=[candle(), candle(NOW)]
    )
    market = RecordedMarket(tape, MemoryLedger(), start=1)
    assert await market.rates(["EURUSD", "GBPUSD"]) == {"EURUSD": await market.quote("EURUSD")}
    assert await market.rates(["GBPUSD"]) == {}
    with pytest.raises(NotFound):
        await market.quote("GBPUSD")


# ---- exposure --------------------------------------------------------------------------------


async def test_a_trade_is_long_of_one_currency_and_short_of_the_other():
    found = await valued("EURGBP", currency="USD")
    (known,) = found.valuations
    moved = known.exposure(Direction.BUY, Decimal("0.50"))
    # 50,000 euros at 0.80010 pounds, at 1.56260 dollars.
    assert moved.notional == Decimal("62511.813000")
    assert moved.legs == (("EUR", moved.notional), ("GBP", -moved.notional))
    sold = known.exposure(Direction.SELL, Decimal("0.50"))
    assert sold.legs == (("EUR", -moved.notional), ("GBP", moved.notional))


async def test_an_index_is_long_of_itself_even_where_a_venue_calls_it_a_currency():
    (known,) = (await valued("GER40", quotes={"GER40": quote("16000", "16000")})).valuations
    assert known.exposure(Direction.BUY, Decimal(1)).legs == (("GER40", 16000), ("EUR", -16000))
    odd = replace(known, base="EUR")
    assert odd.exposure(Direction.BUY, Decimal(1)).legs == (("GER40", 16000), ("EUR", -16000))


def test_a_holding_without_a_valuation_has_no_exposure():
    seen = bundle(valuations=())
    assert seen.exposure(position()) is None
    assert bundle().exposure(open_order()).notional == Decimal("11000.80")
