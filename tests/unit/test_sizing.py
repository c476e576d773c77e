"""The size of a trade: never more than the risk budget, nor than any cap, and always in steps."""

from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal, localcontext
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.instruments import instrument
from engine.domain.account import Direction
from engine.domain.gate import Check
from engine.domain.market import Conversion, RateStep
from engine.domain.settings import RiskSettings
from engine.domain.strategy import RiskCaps
from engine.gate.case import run
from engine.gate.sizing import floor_to_step, size
from tests.builders import (
    account,
    bundle,
    case,
    conversion,
    open_order,
    position,
    proposal,
    quote,
    strategy,
)

EURUSD = instrument("EURUSD")
ROOMY = RiskSettings(max_lot_size=Decimal(1000))


def sized(*, at_most=None, own_order=None, caps="1000", idea=None, **values):
    values.setdefault("settings", ROOMY)
    made = strategy(risk_caps=RiskCaps(Decimal(caps), 1))
    return size(made, bundle(**values), idea or proposal(), at_most=at_most, own_order=own_order)


def test_half_a_percent_over_twenty_pips_is_a_quarter_of_a_lot():
    made = sized()
    assert made.volume == Decimal("0.25")
    assert made.risk_money == Decimal("50.00")
    assert made.risk_percent == Decimal("0.50")
    assert made.margin == Decimal("915.82")  # 0.25 × 100,000 × 1.10008 × 3.33 %
    assert made.limited_by is None


def test_a_size_between_two_steps_is_rounded_down():
    made = sized(account=account(equity="10399.99"))
    assert made.volume == Decimal("0.25")
    assert made.risk_money == Decimal("50.00")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("max_lot_size", {"settings": RiskSettings(max_lot_size=Decimal("0.1"))}),
        ("strategy_max_lot_size", {"caps": "0.1"}),
        ("volume_max", {"instrument": replace(instrument("EURUSD"), volume_max=Decimal("0.1"))}),
        ("margin_free", {"account": account(margin_free="366.33")}),
        # 0.10 lots at 1.10008 are 11,000.80.
        (
            "max_exposure_percent",
            {"settings": replace(ROOMY, max_exposure_percent=Decimal("110.008"))},
        ),
        (
            "max_exposure_percent",
            {
                "settings": replace(ROOMY, max_exposure_percent=Decimal("220.016")),
                "positions": (position(symbol="GBPUSD", direction=Direction.SELL),),
            },
        ),
        (
            "max_exposure_percent",
            {
                "settings": replace(ROOMY, max_exposure_percent=Decimal("220.016")),
                "orders": (open_order(),),
            },
        ),
        ("at_most", {"at_most": Decimal("0.1")}),
    ],
)
def test_the_cap_that_made_a_trade_smaller_is_named(name, values):
    made = sized(**values)
    assert made.limited_by == name
    assert made.volume == Decimal("0.10")
    assert made.risk_money == Decimal("20.00")
    assert made.risk_percent == Decimal("0.20")


def test_a_trade_in_yen_is_sized_through_the_rate_to_the_dollar():
    idea = proposal(
        symbol="USDJPY", entry="150.010", stop_loss="149.810", take_profit=(Decimal(151),)
    )
    made = sized(
        symbol="USDJPY",
        quote=quote("150.000", "150.010"),
        conversion=conversion("0.00666666666667"),
        idea=idea,
    )
    # 0.200 yen × 100,000 = 20,000 yen = 133.33 dollars a lot; 50 dollars are 0.375 lots.
    assert made.volume == Decimal("0.37")
    assert made.risk_money == Decimal("49.33")


def test_gold_is_sized_by_its_hundred_ounces():
    idea = proposal(
        symbol="XAUUSD", entry="2000.00", stop_loss="1995.00", take_profit=(Decimal(2010),)
    )
    made = sized(symbol="XAUUSD", quote=quote("1999.70", "2000.00"), idea=idea)
    assert made.volume == Decimal("0.10")
    assert made.risk_money == Decimal("50.00")
    assert made.margin == Decimal("666.00")


def test_an_account_in_the_base_currency_is_sized_in_its_own_money():
    made = sized(account=account(currency="EUR"), conversion=conversion("0.8"))
    # 200 dollars a lot are 160 euros; 50 euros are 0.3125 lots.
    assert made.volume == Decimal("0.31")
    assert made.risk_money == Decimal("49.60")


@pytest.mark.parametrize(
    "values",
    [
        {"account": None},
        {"account": account(equity="0")},
        {"account": account(equity="-1")},
        {"account": account(margin_free="-5")},
        {"account": account(margin_free="0")},
        {"idea": proposal(stop_loss="1.10008")},
        {"at_most": Decimal(0)},
        {"at_most": Decimal("0.009")},
        {"account": account(equity="399")},
        {"conversion": None},
        {"conversion": None, "instrument": replace(EURUSD, commission_per_lot=Decimal(3))},
        {"valuations": (), "positions": (position(),)},
        {"settings": replace(ROOMY, max_exposure_percent=Decimal(10))},
        {
            "settings": replace(ROOMY, max_exposure_percent=Decimal(110)),
            "positions": (position(),),
        },
    ],
)
def test_nothing_is_traded_where_no_size_fits(values):
    made = sized(**values)
    assert (made.volume, made.risk_money, made.risk_percent, made.margin) == (0, 0, 0, 0)


def test_the_least_volume_is_traded_when_it_just_fits():
    assert sized(account=account(equity="400")).volume == Decimal("0.01")


def test_a_steeper_step_than_the_least_volume_is_kept():
    steps = replace(instrument("EURUSD"), volume_step=Decimal("0.1"), volume_min=Decimal("0.1"))
    assert sized(instrument=steps).volume == Decimal("0.2")


def test_an_order_leaves_room_for_itself_when_it_is_judged_again():
    full = {
        "settings": replace(ROOMY, max_exposure_percent=Decimal("275.02")),
        "orders": (open_order(client_id="at-1", state="intent", volume=Decimal("0.25")),),
    }
    assert sized(**full).volume == 0
    assert sized(own_order="at-1", **full).volume == Decimal("0.25")


def test_a_stop_in_the_accounts_own_currency_is_paid_at_the_price_of_the_stop():
    falling = Conversion(
        rate=Decimal("0.8"), path=(RateStep(symbol="EURUSD", price=Decimal("1.25"), divide=True),)
    )
    euros = {"account": account(currency="EUR"), "conversion": falling}
    long = proposal(entry="1.25000", stop_loss="1.00000", take_profit=(Decimal(2),))
    # 0.25 × 100,000 dollars at 1.00 are 25,000 euros a lot, not 20,000; 50 are less than 0.01.
    assert sized(idea=long, **euros).volume == 0
    rich = euros | {"account": account(currency="EUR", equity="100000", margin_free="100000")}
    assert sized(idea=long, **rich).risk_money == Decimal("500.00")
    short = proposal(
        direction=Direction.SELL, entry="1.25000", stop_loss="1.50000", take_profit=(Decimal(1),)
    )
    assert sized(idea=short, **rich).risk_money == Decimal("400.00")  # 0.02 lots at today's 0.8


@pytest.mark.parametrize(
    ("percent", "lots", "shown"),
    [("0.125", "1000", "0.12"), ("0.135", "1000", "0.135"), ("0.5", "0.01", "0.01")],
)
def test_a_rounded_percentage_is_neither_none_nor_over_what_is_allowed(percent, lots, shown):
    allowed = RiskSettings(
        risk_per_trade_percent=Decimal(percent), max_lot_size=Decimal(lots)
    )  # fmt: skip
    rich = account(equity="1600000", margin_free="1600000")
    made = sized(settings=allowed, account=rich)
    assert made.volume > 0
    assert str(made.risk_percent) == shown


cents = {"places": 2, "allow_nan": False}
steps = st.sampled_from(("0.00001", "0.001", "0.01", "0.1", "1"))
TRADES = {
    "equity": st.decimals("0.01", 10**7, **cents),
    "free": st.decimals(-1000, 10**7, **cents),
    "percent": st.decimals("0.01", 10, **cents),
    "points": st.integers(1, 50_000),
    "price": st.decimals("0.5", 3, places=5),
    "rate": st.decimals("0.0000001", 2, places=12).filter(lambda rate: rate > 0),
    "own_price": st.none() | st.decimals("0.5", 3, places=5),
    "lots": st.decimals("0.001", 200, places=3),
    "caps": st.decimals("0.001", 200, places=3),
    "at_most": st.none() | st.decimals(0, 50, places=3),
    "exposure": st.decimals(10, 3000, **cents),
    "held": st.lists(st.decimals("0.01", 5, places=2), max_size=3),
    "step": steps,
    "direction": st.sampled_from(Direction),
}
trades = st.fixed_dictionaries(TRADES)


def made_of(trade):
    """A bundle, an idea in it, and its size."""
    price, direction = trade["price"], trade["direction"]
    distance = trade["points"] * Decimal("0.00001")
    if direction is Direction.BUY:
        distance = min(distance, price - Decimal("0.00001"))
    least = Decimal(trade["step"])
    path = ()
    if trade["own_price"] is not None:
        path = (RateStep(symbol="EURUSD", price=trade["own_price"], divide=True),)
    seen = bundle(
        account=account(equity=trade["equity"], margin_free=trade["free"]),
        instrument=replace(instrument("EURUSD"), volume_min=least, volume_step=least),
        conversion=Conversion(rate=trade["rate"], path=path),
        positions=tuple(position(volume=volume) for volume in trade["held"]),
        settings=RiskSettings(
            risk_per_trade_percent=trade["percent"],
            max_lot_size=trade["lots"],
            max_exposure_percent=trade["exposure"],
        ),
    )
    idea = proposal(
        direction=direction, entry=price, stop_loss=price - direction.sign * distance,
        take_profit=(price,),
    )  # fmt: skip
    made = strategy(risk_caps=RiskCaps(trade["caps"], 1))
    return seen, idea, size(made, seen, idea, at_most=trade["at_most"])


def takes(trade, seen, idea):
    """What one lot takes of each cap, and how much there is: in fractions, which round nothing."""
    spec, rate = seen.instrument, Fraction(trade["rate"])
    loss = Fraction(idea.risk) * Fraction(spec.contract_size) * rate
    if trade["own_price"] is not None:
        loss *= max(Fraction(1), Fraction(trade["own_price"]) / Fraction(idea.stop_loss))
    value = Fraction(idea.entry) * Fraction(spec.contract_size) * rate
    equity = Fraction(trade["equity"])
    held = sum(Fraction(volume) for volume in trade["held"]) * Fraction("110008")
    whole = {
        "lots": trade["lots"], "caps": trade["caps"], "venue": spec.volume_max,
        "at_most": Decimal(10**9) if trade["at_most"] is None else trade["at_most"],
    }  # fmt: skip
    return {
        "risk": (loss, equity * Fraction(trade["percent"]) / 100),
        "margin": (value * Fraction(spec.margin_rate), max(0, Fraction(trade["free"]))),
        "exposure": (value, max(0, equity * Fraction(trade["exposure"]) / 100 - held)),
        **{name: (Fraction(1), Fraction(most)) for name, most in whole.items()},
    }


@settings(max_examples=400)
@given(trades)
def test_a_size_is_the_most_whole_steps_that_no_limit_forbids(trade):
    seen, idea, made = made_of(trade)
    limits = takes(trade, seen, idea).values()
    step = Fraction(seen.instrument.volume_step)
    best = min(floor(there / (one * step)) for one, there in limits) * step
    assert made.volume % seen.instrument.volume_step == 0
    assert Fraction(made.volume) == (best if best >= seen.instrument.volume_min else 0)
    assert all(Fraction(made.volume) * one <= there for one, there in limits)
    if made.volume == 0:
        assert made.risk_money == made.risk_percent == made.margin == 0
    else:
        risk = Fraction(made.volume) * takes(trade, seen, idea)["risk"][0]
        assert abs(Fraction(made.risk_money) - risk) <= Fraction(1, 200)
        assert 0 < made.risk_percent <= trade["percent"]


@given(trades, st.decimals(0, 10**6, **cents))
def test_more_equity_never_makes_a_smaller_trade(trade, more):
    assert made_of(trade)[2].volume <= made_of(trade | {"equity": trade["equity"] + more})[2].volume


@given(trades, st.sampled_from((5, 28, 90)), st.sampled_from((ROUND_DOWN, ROUND_UP)))
def test_a_size_does_not_depend_on_the_arithmetic_around_it(trade, digits, rounding):
    seen, idea, made = made_of(trade)
    judged = case(bundle=seen, proposal=idea, sizing=made)
    exposure = run(Check.MAX_EXPOSURE, judged)
    with localcontext(Context(prec=digits, rounding=rounding)):
        again = size(
            strategy(risk_caps=RiskCaps(trade["caps"], 1)), seen, idea, at_most=trade["at_most"]
        )
        assert run(Check.MAX_EXPOSURE, judged) == exposure
    assert [str(part) for part in (again.volume, again.risk_money, again.margin)] == [
        str(part) for part in (made.volume, made.risk_money, made.margin)
    ]
    assert made.volume == 0 or exposure.passed


@given(st.decimals(0, 1000, places=6), steps.map(Decimal))
def test_rounding_down_to_a_step_loses_less_than_one_step(volume, step):
    rounded = floor_to_step(volume, step)
    assert rounded % step == 0
    assert rounded <= volume < rounded + step


@given(st.decimals("0.01", 100, places=2), st.decimals("0.01", 100, places=2))
def test_a_smaller_permission_never_makes_a_larger_trade(one, two):
    smaller, larger = sorted((one, two))
    assert sized(at_most=smaller).volume <= sized(at_most=larger).volume
