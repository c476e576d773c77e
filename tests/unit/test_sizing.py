"""The size of a trade: never more than the risk budget, nor than any cap, and always in steps."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.feeds.instruments import instrument
from engine.domain.account import Direction
from engine.domain.settings import RiskSettings
from engine.domain.strategy import RiskCaps
from engine.gate.sizing import floor_to_step, margin_of, size
from tests.builders import account, bundle, proposal, quote, strategy

ROOMY = RiskSettings(max_lot_size=Decimal(1000))
#: Decimal keeps 28 digits; a size from a quotient may be wrong in the last ones.
HAIR = Decimal("1e-9")


def sized(*, at_most=None, caps="1000", idea=None, **values):
    values.setdefault("settings", ROOMY)
    made = strategy(risk_caps=RiskCaps(Decimal(caps), 1))
    return size(made, bundle(**values), idea or proposal(), at_most=at_most)


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
        quote_rate=1 / Decimal(150),
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
    rate = 1 / Decimal("1.25")
    made = sized(account=account(currency="EUR"), quote_rate=rate)
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


cents = {"places": 2, "allow_nan": False}
steps = st.sampled_from(("0.001", "0.01", "0.1", "1"))


@given(
    equity=st.decimals("0.01", 10**7, **cents),
    free=st.decimals(-1000, 10**7, **cents),
    percent=st.decimals("0.01", 10, **cents),
    points=st.integers(1, 50_000),
    price=st.decimals("0.5", 3, places=5),
    rate=st.decimals("0.001", 2, places=6),
    lots=st.decimals("0.001", 200, places=3),
    caps=st.decimals("0.001", 200, places=3),
    at_most=st.none() | st.decimals(0, 50, places=3),
    step=steps,
    direction=st.sampled_from(Direction),
)
def test_a_size_is_in_steps_and_within_the_budget_and_every_cap(
    equity, free, percent, points, price, rate, lots, caps, at_most, step, direction
):
    distance = points * Decimal("0.00001")
    if direction is Direction.BUY:
        distance = min(distance, price - Decimal("0.00001"))
    spec = replace(
        instrument("EURUSD"), volume_min=Decimal(step), volume_step=Decimal(step)
    )  # fmt: skip
    seen = bundle(
        account=account(equity=equity, margin_free=free),
        instrument=spec,
        quote_rate=rate,
        settings=RiskSettings(risk_per_trade_percent=percent, max_lot_size=lots),
    )
    idea = proposal(
        direction=direction,
        entry=price,
        stop_loss=price - direction.sign * distance,
        take_profit=(price,),
    )
    made = size(strategy(risk_caps=RiskCaps(caps, 1)), seen, idea, at_most=at_most)

    assert made.volume % spec.volume_step == 0
    assert made.volume == 0 or spec.volume_min <= made.volume <= spec.volume_max
    assert made.volume <= min(lots, caps, spec.volume_max)
    if at_most is not None:
        assert made.volume <= at_most
    risk = made.volume * distance * spec.contract_size * rate
    assert risk <= equity * percent / 100 + HAIR
    assert abs(made.risk_money - risk) <= Decimal("0.005")
    assert margin_of(seen, price, made.volume) <= max(Decimal(0), free) + HAIR
    if made.volume == 0:
        assert made.risk_money == made.risk_percent == made.margin == 0


@given(st.decimals(0, 1000, places=6), steps.map(Decimal))
def test_rounding_down_to_a_step_loses_less_than_one_step(volume, step):
    rounded = floor_to_step(volume, step)
    assert rounded % step == 0
    assert rounded <= volume < rounded + step


@given(st.decimals("0.01", 100, places=2), st.decimals("0.01", 100, places=2))
def test_a_smaller_permission_never_makes_a_larger_trade(one, two):
    smaller, larger = sorted((one, two))
    assert sized(at_most=smaller).volume <= sized(at_most=larger).volume
