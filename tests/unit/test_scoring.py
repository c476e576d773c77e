"""The confidence: the same for the same bundle, each point named, each part within its bounds."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.account import Direction
from engine.domain.idea import Adjustment, Confidence
from engine.domain.snapshot import Impact
from engine.scoring.confidence import WEIGHTS, score
from tests.builders import (
    NOW,
    account,
    bundle,
    calendar,
    candles,
    day,
    indicators,
    observation,
    open_order,
    position,
    proposal,
    quote,
    release,
    strategy,
)

MINUTE = timedelta(minutes=1)


def scored(*, observations=(), idea=None, **values):
    return score(strategy(), bundle(**values), idea or proposal(), tuple(observations))


def points(made):
    return {adjustment.name: adjustment.points for adjustment in made.adjustments}


def test_a_trade_with_nothing_against_it_scores_a_hundred():
    made = scored(observations=[observation()])
    assert (made.strategy_match, made.market_risk, made.account_comfort) == (50, 25, 25)
    assert made.score == 100
    assert made.adjustments == ()


def ranging(atrs):
    """A last candle so many times as wide as the ATR of ten pips."""
    half = Decimal("0.0005") * Decimal(atrs)
    return candles(high=Decimal("1.1") + half, low=Decimal("1.1") - half)


SITUATIONS = [
    ("required_missed", {"observations": [observation("rsi_below", met=False)]}, "rsi_below", -20),
    (
        "nice_missed",
        {"observations": [observation("adx_above", met=False, required=False)]},
        "adx_above",
        -5,
    ),
    (
        "reward_short",
        {"idea": proposal(take_profit=(Decimal("1.10407"),))},
        "reward_short",
        -8,
    ),
    ("no calendar", {"calendar": None}, "calendar_unknown", -25),
    (
        "calendar passed",
        {"calendar": calendar(known_until=NOW - MINUTE)},
        "calendar_unknown",
        -25,
    ),
    ("news ahead", {"calendar": calendar(release(120 * MINUTE))}, "news_near", -25),
    ("news behind", {"calendar": calendar(release(-120 * MINUTE))}, "news_near", -25),
    ("no ATR", {"indicators": indicators(atr_14=None)}, "volatility_unknown", -25),
    ("no movement", {"indicators": indicators(atr_14="0")}, "volatility_unknown", -25),
    ("spike", {"candles": ranging("2.02")}, "spike", -10),
    ("wide candle", {"candles": ranging("1.42")}, "wide_candle", -5),
    ("as wide as allowed", {"candles": ranging(2)}, "wide_candle", -5),
    ("no direction", {"indicators": indicators(adx_14="17.99")}, "choppy", -5),
    ("no ADX", {"indicators": indicators(adx_14=None)}, "choppy", -5),
    ("dear spread", {"quote": quote("1.10000", "1.10013")}, "costly_spread", -4),
    ("no quote", {"quote": None}, "costly_spread", -4),
    ("no account", {"account": None}, "account_unknown", -25),
    ("no equity", {"account": account(equity="0")}, "account_unknown", -25),
    ("the same again", {"positions": (position(),)}, "same_direction", -10),
    ("the same again, unproven", {"orders": (open_order(),)}, "same_direction", -10),
    ("the other way", {"positions": (position(direction=Direction.SELL),)}, "same_symbol", -6),
    ("another symbol", {"positions": (position(symbol="GBPUSD"),)}, "other_trade", -3),
    ("little margin", {"account": account(margin_free="4999.99")}, "margin_tight", -8),
    ("half the day's loss", {"account": account(equity="9849.99")}, "day_loss_used", -6),
    ("no day", {"day": None}, "day_loss_used", -6),
]


@pytest.mark.parametrize(
    ("values", "name", "taken"), [pytest.param(*s[1:], id=s[0]) for s in SITUATIONS]
)
def test_every_point_that_is_taken_has_a_name(values, name, taken):
    made = scored(**values)
    assert points(made) == {name: taken}
    assert made.score == 100 + taken


@pytest.mark.parametrize(
    "values",
    [
        {"idea": proposal(take_profit=(Decimal("1.10408"),))},
        {"calendar": calendar(release(121 * MINUTE), release(-121 * MINUTE))},
        {"calendar": calendar(release(MINUTE, currency="GBP"))},
        {"calendar": calendar(release(MINUTE, impact=Impact.MEDIUM))},
        {"calendar": calendar(known_until=NOW)},
        {"candles": ranging("1.4")},
        {"indicators": indicators(adx_14="18.00")},
        {"quote": quote("1.10000", "1.10012")},
        {"account": account(margin_free="5000.00")},
        {"account": account(equity="9850.00")},
        {"day": day(start="9000")},
    ],
)
def test_nothing_is_taken_at_the_edge_of_what_is_allowed(values):
    assert scored(**values).adjustments == ()


def test_news_near_leaves_nothing_of_the_market_part():
    made = scored(calendar=calendar(release(MINUTE, currency="EUR")), candles=ranging(3))
    assert made.market_risk == 0
    assert (made.strategy_match, made.account_comfort) == (50, 25)


def test_a_part_never_falls_below_zero():
    missed = [observation(str(n), met=False) for n in range(5)]
    full = tuple(position(id=str(n)) for n in range(5))
    made = scored(observations=missed, positions=full)
    assert (made.strategy_match, made.account_comfort) == (0, 0)
    assert len(made.adjustments) == 10


def test_the_score_is_the_sum_and_at_most_a_hundred():
    parts = {"market_risk": Decimal(25), "account_comfort": Decimal(25), "adjustments": ()}
    assert Confidence(strategy_match=Decimal(20), **parts).score == 70
    assert Confidence(strategy_match=Decimal(60), **parts).score == 100


def test_each_adjustment_belongs_to_the_part_it_was_taken_from():
    made = scored(
        observations=[observation("rsi_below", met=False)],
        indicators=indicators(adx_14="10"),
        positions=(position(symbol="GBPUSD"),),
    )
    assert made.adjustments == (
        Adjustment("rsi_below", WEIGHTS.required_missed),
        Adjustment("choppy", WEIGHTS.choppy),
        Adjustment("other_trade", WEIGHTS.other_trade),
    )
    assert (made.strategy_match, made.market_risk, made.account_comfort) == (30, 20, 22)


truths = st.booleans()
observations = st.lists(st.builds(observation, met=truths, required=truths))
holdings = st.sampled_from((position(), position(symbol="GBPUSD"), open_order()))


@given(
    observations=observations,
    held=st.lists(holdings, max_size=6),
    atr=st.none() | st.decimals("0", "0.01", places=5),
    adx=st.none() | st.decimals(0, 100, places=2),
    minutes=st.none() | st.integers(-300, 300),
    equity=st.decimals(-100, 20_000, places=2),
    free=st.decimals(-100, 20_000, places=2),
)
def test_a_score_is_within_its_bounds_and_the_same_every_time(
    observations, held, atr, adx, minutes, equity, free
):
    values = {
        "observations": observations,
        "positions": tuple(held),
        "indicators": indicators(atr_14=atr, adx_14=adx),
        "calendar": None if minutes is None else calendar(release(minutes * MINUTE)),
        "account": account(equity=equity, margin_free=free),
    }
    made = scored(**values)
    assert made == scored(**values)
    assert 0 <= made.strategy_match <= 50
    assert 0 <= made.market_risk <= 25
    assert 0 <= made.account_comfort <= 25
    assert made.score == made.strategy_match + made.market_risk + made.account_comfort
    assert all(adjustment.points < 0 for adjustment in made.adjustments)
