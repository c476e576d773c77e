"""Strategies: what each condition means, sessions, and the proposal both ways."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.domain.strategy import DAYS, Condition, ExitRules, Side
from engine.errors import FeedError
from engine.strategies.base import applies, entry_price, evaluate, frames_needed
from engine.strategies.rules import RULES, observe
from tests.builders import bundle, candles, frame, indicators, quote, strategy, window
from tests.models import prediction

BUY, SELL = Direction.BUY, Direction.SELL
BOTH = (BUY, SELL)


def figures(before=None, **now):
    """A bundle with these figures; those of the candle before are the same unless given."""
    return bundle(
        indicators=indicators(**now), indicators_before=indicators(**(now | (before or {})))
    )


def last(**prices):
    return bundle(candles=candles(**prices))


UP, DOWN = {"ema_20": "1.101", "ema_50": "1.100"}, {"ema_20": "1.099", "ema_50": "1.100"}
RISING = figures(sma_50="1.0995", sma_200="1.0990")
FALLING = figures(sma_50="1.1005", sma_200="1.1010")
CROSSED_UP, CROSSED_DOWN = figures(DOWN, **UP), figures(UP, **DOWN)
HIST_UP = figures({"macd_hist": "-0.0001"}, macd_hist="0.0001")
HIST_DOWN = figures({"macd_hist": "0.0001"}, macd_hist="-0.0001")
OVER_20 = figures({"ema_20": "1.1001"}, ema_20="1.0999")
UNDER_20 = figures({"ema_20": "1.0999"}, ema_20="1.1001")
LOW_BAND, HIGH_BAND = figures(bb_low="1.0995"), figures(bb_high="1.1005")
OFF_THE_LOW = bundle(
    candles=candles(low="1.0985", close="1.1000"), indicators=indicators(swing_low="1.0985")
)
OFF_THE_HIGH = bundle(
    candles=candles(high="1.1015", close="1.1000"), indicators=indicators(swing_high="1.1015")
)
ABOVE_VWAP, BELOW_VWAP = figures(vwap="1.0999"), figures(vwap="1.1001")


def in_frame(**values):
    """A bundle whose own figures are missing and whose H4 has these."""
    nothing = indicators(**dict.fromkeys(indicators().__slots__))
    return bundle(indicators=nothing, indicators_before=nothing, frames=(frame(**values),))


#: (rule, argument, directions, bundle, holds)
TRUTHS = [
    ("trend_alignment", "bullish", BOTH, RISING, True),
    ("trend_alignment", "bearish", BOTH, FALLING, True),
    ("trend_alignment", "with_trade", (BUY,), RISING, True),
    ("trend_alignment", "with_trade", (SELL,), FALLING, True),
    ("trend_alignment", "with_trade", (SELL,), RISING, False),
    ("trend_alignment", "with_trade", (BUY,), FALLING, False),
    ("trend_alignment", "bullish", BOTH, figures(sma_50="1.1020", sma_200="1.1010"), False),
    ("trend_alignment", "bearish", BOTH, figures(sma_50="1.0980", sma_200="1.0990"), False),
    ("trend_alignment", "bullish", BOTH, figures(sma_50="1.0990", sma_200="1.0990"), False),
    ("ema_trend", "bullish", BOTH, figures(**UP), True),
    ("ema_trend", "bearish", BOTH, figures(**UP), False),
    ("ema_trend", "bearish", BOTH, figures(**DOWN), True),
    ("ema_trend", "with_trade", (BUY,), figures(**UP), True),
    ("ema_trend", "with_trade", (SELL,), figures(**DOWN), True),
    ("ema_trend", "with_trade", (SELL,), figures(**UP), False),
    ("ema_trend", "with_trade", (BUY,), figures(**DOWN), False),
    ("ema_gap_atr_above", "0.9", (BUY,), figures(**UP), True),
    ("ema_gap_atr_above", "0.9", (SELL,), figures(**DOWN), True),
    ("ema_gap_atr_above", "1", (BUY,), figures(**UP), False),
    ("ema_gap_atr_above", "1", (SELL,), figures(**DOWN), False),
    ("ema_gap_atr_above", "0.3", (SELL,), figures(**UP), False),
    ("ema_gap_atr_above", "0.3", (BUY,), figures(atr_14="0", **UP), False),
    ("ema_cross", "bullish", BOTH, CROSSED_UP, True),
    ("ema_cross", "bearish", BOTH, CROSSED_DOWN, True),
    ("ema_cross", "with_trade", (BUY,), CROSSED_UP, True),
    ("ema_cross", "with_trade", (SELL,), CROSSED_DOWN, True),
    ("ema_cross", "with_trade", (SELL,), CROSSED_UP, False),
    ("ema_cross", "with_trade", (BUY,), CROSSED_DOWN, False),
    ("ema_cross", "bullish", BOTH, figures(**UP), False),
    ("ema_cross", "bearish", BOTH, figures(**DOWN), False),
    ("close_crosses_ema_20", "true", (BUY,), OVER_20, True),
    ("close_crosses_ema_20", "true", (SELL,), UNDER_20, True),
    ("close_crosses_ema_20", "true", (SELL,), OVER_20, False),
    ("close_crosses_ema_20", "true", (BUY,), UNDER_20, False),
    ("close_crosses_ema_20", "true", (BUY,), figures(ema_20="1.0999"), False),
    ("close_crosses_ema_20", "true", BOTH, figures(ema_20="1.1000"), False),
    ("rsi_below", "50.01", BOTH, figures(rsi_14="50.00"), True),
    ("rsi_below", "50", BOTH, figures(rsi_14="50.00"), False),
    ("rsi_above", "49.99", BOTH, figures(rsi_14="50.00"), True),
    ("rsi_above", "50", BOTH, figures(rsi_14="50.00"), False),
    ("adx_above", "24.99", BOTH, figures(adx_14="25.00"), True),
    ("adx_above", "25", BOTH, figures(adx_14="25.00"), False),
    ("macd_cross", "bullish", BOTH, HIST_UP, True),
    ("macd_cross", "bearish", BOTH, HIST_DOWN, True),
    ("macd_cross", "with_trade", (BUY,), HIST_UP, True),
    ("macd_cross", "with_trade", (SELL,), HIST_DOWN, True),
    ("macd_cross", "with_trade", (SELL,), HIST_UP, False),
    ("macd_cross", "with_trade", (BUY,), HIST_DOWN, False),
    ("macd_cross", "bullish", BOTH, figures(macd_hist="0.0001"), False),
    ("macd_side", "bullish", BOTH, HIST_UP, True),
    ("macd_side", "bearish", BOTH, HIST_DOWN, True),
    ("macd_side", "with_trade", (BUY,), HIST_UP, True),
    ("macd_side", "with_trade", (SELL,), HIST_DOWN, True),
    ("macd_side", "with_trade", (SELL,), HIST_UP, False),
    ("macd_side", "with_trade", (BUY,), HIST_DOWN, False),
    ("bollinger_touch", "lower", BOTH, LOW_BAND, True),
    ("bollinger_touch", "upper", BOTH, LOW_BAND, False),
    ("bollinger_touch", "upper", BOTH, HIGH_BAND, True),
    ("bollinger_touch", "with_trade", (BUY,), LOW_BAND, True),
    ("bollinger_touch", "with_trade", (SELL,), HIGH_BAND, True),
    ("bollinger_touch", "with_trade", (SELL,), LOW_BAND, False),
    ("bollinger_touch", "with_trade", (BUY,), HIGH_BAND, False),
    ("bollinger_touch", "lower", BOTH, figures(bb_low="1.09949"), False),
    ("vwap_side", "bullish", BOTH, ABOVE_VWAP, True),
    ("vwap_side", "bearish", BOTH, BELOW_VWAP, True),
    ("vwap_side", "with_trade", (BUY,), ABOVE_VWAP, True),
    ("vwap_side", "with_trade", (SELL,), BELOW_VWAP, True),
    ("vwap_side", "with_trade", (SELL,), ABOVE_VWAP, False),
    ("vwap_side", "with_trade", (BUY,), BELOW_VWAP, False),
    ("vwap_side", "with_trade", BOTH, figures(vwap="1.1000"), False),
    ("higher_timeframe_trend", "H4 bullish", BOTH, in_frame(**UP), True),
    ("higher_timeframe_trend", "H4 bearish", BOTH, in_frame(**DOWN), True),
    ("higher_timeframe_trend", "H4 with_trade", (BUY,), in_frame(**UP), True),
    ("higher_timeframe_trend", "H4 with_trade", (SELL,), in_frame(**DOWN), True),
    ("higher_timeframe_trend", "H4 with_trade", (SELL,), in_frame(**UP), False),
    ("higher_timeframe_trend", "H4 with_trade", (BUY,), in_frame(**DOWN), False),
    ("higher_timeframe_trend", "D1 bullish", BOTH, in_frame(**UP), False),
    ("higher_timeframe_rsi_below", "H4 40.01", BOTH, in_frame(rsi_14="40.00"), True),
    ("higher_timeframe_rsi_below", "H4 40", BOTH, in_frame(rsi_14="40.00"), False),
    ("higher_timeframe_rsi_above", "H4 39.99", BOTH, in_frame(rsi_14="40.00"), True),
    ("higher_timeframe_rsi_above", "H4 40", BOTH, in_frame(rsi_14="40.00"), False),
    ("price_rejects_level", "true", (BUY,), OFF_THE_LOW, True),
    ("price_rejects_level", "true", (SELL,), OFF_THE_HIGH, True),
    ("price_rejects_level", "true", (SELL,), OFF_THE_LOW, False),
    ("price_rejects_level", "true", (BUY,), OFF_THE_HIGH, False),
    ("price_rejects_level", "true", (BUY,), figures(swing_low="1.09900"), True),
    ("price_rejects_level", "true", (BUY,), figures(swing_low="1.09899"), False),
    ("price_rejects_level", "true", BOTH, last(open="1.1", high="1.1", low="1.1"), False),
    ("model_probability_above", "0.6", (BUY,), bundle(prediction=prediction("0.6001")), True),
    ("model_probability_above", "0.6", (BUY,), bundle(prediction=prediction("0.6000")), False),
    ("model_probability_above", "0.6", (SELL,), bundle(prediction=prediction("0.3999")), True),
    ("model_probability_above", "0.6", (SELL,), bundle(prediction=prediction("0.4000")), False),
    ("model_probability_above", "0.6", BOTH, bundle(), False),
]


@pytest.mark.parametrize(
    ("name", "argument", "direction", "seen", "holds"),
    [
        pytest.param(name, argument, direction, seen, holds, id=f"{n}-{name}-{direction}-{holds}")
        for n, (name, argument, directions, seen, holds) in enumerate(TRUTHS)
        for direction in directions
    ],
)
def test_a_condition_holds_or_not(name, argument, direction, seen, holds):
    assert RULES[name].accepts(argument)
    made = observe(Condition(name, argument), seen, direction, required=True)
    assert made.met is holds, made
    assert (made.name, made.argument, made.required) == (name, argument, True)
    assert made.observed


def test_every_condition_is_seen_to_hold_and_not_to_in_both_directions():
    for name in RULES:
        tested = {(way, t[4]) for t in TRUTHS if t[0] == name for way in t[2]}
        assert tested == {(BUY, True), (BUY, False), (SELL, True), (SELL, False)}, name


def test_a_rejection_is_a_close_in_the_outer_part_of_the_candle():
    def closing(price):
        seen = bundle(
            candles=candles(low="1.0990", high="1.1000", open=price, close=price),
            indicators=indicators(swing_low="1.0990"),
        )
        return observe(Condition("price_rejects_level", "true"), seen, BUY, required=True).met

    assert closing("1.09940")
    assert not closing("1.09939")


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize("name", sorted(RULES))
def test_a_condition_does_not_hold_while_its_figures_are_missing(name, direction):
    nothing = indicators(**dict.fromkeys(indicators().__slots__))
    empty = frame(**dict.fromkeys(indicators().__slots__))
    for frames in ((), (empty,)):
        seen = bundle(indicators=nothing, indicators_before=nothing, frames=frames)
        made = observe(Condition(name, RULES[name].example), seen, direction, required=False)
        assert (made.met, made.observed, made.required) == (False, "n/a", False)


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_condition_accepts_only_the_arguments_it_understands(name):
    rule = RULES[name]
    front = "H4 " if rule.longer else ""
    assert rule.accepts(rule.example)
    assert all(rule.accepts(front + word) for word in rule.words)
    assert rule.words or (rule.accepts(front + "30") and rule.accepts(front + "0.5"))
    assert rule.example.split()[-1] in rule.form
    for wrong in ("", "sideways", "NaN", "1e3", "TRUE", "1 ", "20" if rule.words else "bullish"):
        assert not rule.accepts(front + wrong), wrong
    for wrong in ("H2 ", "h4 ", "H4  ", "H4") if rule.longer else ("H4 ", " "):
        assert not rule.accepts(wrong + rule.example.split()[-1]), wrong


def test_the_longer_timeframes_that_are_needed_are_those_active_strategies_read():
    reads = strategy(entry={"higher_timeframe_trend": "H4 bullish"}, nice={"rsi_below": "40"})
    wishes = strategy(nice={"higher_timeframe_rsi_below": "D1 40"})

    def needed(*strategies):
        return frames_needed(strategies, "EURUSD", Timeframe.H1)

    assert needed(strategy()) == frozenset()
    assert needed(reads, wishes) == {Timeframe.H4, Timeframe.D1}
    assert needed(replace(reads, is_active=False), wishes) == {Timeframe.D1}
    assert needed(replace(reads, allowed_symbols=("GBPUSD",))) == frozenset()
    assert needed(replace(reads, timeframe=Timeframe.M15)) == frozenset()


# ---- asking a strategy -----------------------------------------------------------------------


def test_a_strategy_proposes_the_same_trade_mirrored():
    made = strategy(exit_rules=ExitRules("2 * atr", ("RR>=2", "30 pips")))
    bought = evaluate(made, figures(**UP)).proposal
    sold = evaluate(made, figures(**DOWN)).proposal
    assert bought is not None
    assert sold is not None
    assert (bought.direction, sold.direction) == (BUY, SELL)
    assert (bought.entry, sold.entry) == (Decimal("1.10008"), Decimal("1.10000"))
    for trade in (bought, sold):
        sign = trade.direction.sign
        assert sign * (trade.entry - trade.stop_loss) == Decimal("0.00200")
        assert [sign * (t - trade.entry) for t in trade.take_profit] == [
            Decimal("0.00300"),
            Decimal("0.00400"),
        ]
        assert trade.reward_ratio == Decimal("1.5")


def test_a_proposal_comes_with_every_observation_and_no_reason():
    made = strategy(entry={"ema_trend": "bullish"}, nice={"adx_above": "90"})
    answer = evaluate(made, figures(**UP))
    assert answer.proposal is not None
    assert answer.reason is None
    assert [(o.name, o.met, o.required) for o in answer.observations] == [
        ("ema_trend", True, True),
        ("adx_above", False, False),
    ]
    assert (answer.strategy_id, answer.strategy_version) == (made.id, made.version)


def test_without_a_proposal_the_direction_that_came_closest_is_told():
    made = strategy(entry={"rsi_below": "10", "ema_trend": "with_trade", "macd_side": "with_trade"})
    answer = evaluate(made, figures(macd_hist="-0.0001", **DOWN))
    assert answer.proposal is None
    assert answer.reason == "condition:rsi_below"
    assert [o.met for o in answer.observations] == [False, True, True]


@pytest.mark.parametrize(
    ("side", "seen", "found"),
    [
        (Side.BUY, UP, BUY),
        (Side.BUY, DOWN, None),
        (Side.SELL, DOWN, SELL),
        (Side.SELL, UP, None),
        (Side.BOTH, UP, BUY),
        (Side.BOTH, DOWN, SELL),
    ],
)
def test_a_strategy_proposes_only_in_its_own_directions(side, seen, found):
    proposed = evaluate(strategy(direction=side), figures(**seen)).proposal
    assert (proposed.direction if proposed else None) is found


def test_without_a_quote_nothing_is_proposed():
    seen = replace(figures(**UP), quote=None)
    assert evaluate(strategy(), seen).reason == "no_quote"
    with pytest.raises(FeedError, match="no quote of EURUSD"):
        entry_price(seen, BUY)


@pytest.mark.parametrize(
    "rules", [ExitRules("3 * atr", ("RR>=2",)), ExitRules("20 pips", ("bb_mid",))]
)
def test_without_a_place_for_stop_or_target_nothing_is_proposed(rules):
    seen = figures(atr_14=None, bb_mid="1.05", **UP)
    answer = evaluate(strategy(exit_rules=rules), seen)
    assert (answer.proposal, answer.reason) == (None, "no_exit_level")


def test_equal_targets_are_one_target():
    made = strategy(exit_rules=ExitRules("20 pips", ("RR>=2", "40 pips", "bb_mid")))
    proposed = evaluate(made, figures(bb_mid="1.05", **UP)).proposal
    assert proposed is not None
    assert proposed.take_profit == (Decimal("1.10408"),)


def test_a_strategy_speaks_of_its_own_symbols_and_timeframe_while_it_is_on():
    assert applies(strategy(), bundle())
    assert not applies(strategy(is_active=False), bundle())
    assert not applies(strategy(timeframe=Timeframe.H4), bundle())
    assert not applies(strategy(allowed_symbols=("GBPUSD",)), bundle())


@given(st.decimals("0.0001", "0.02", places=5), st.integers(0, 40), st.sampled_from(BOTH))
def test_a_proposal_has_its_stop_and_targets_on_the_right_sides(atr, points, direction):
    ask = Decimal("1.10000") + points * Decimal("0.00001")
    seen = figures(atr_14=atr, **(UP if direction is BUY else DOWN))
    proposed = evaluate(strategy(), replace(seen, quote=quote("1.10000", f"{ask}"))).proposal
    assert proposed is not None
    sign = direction.sign
    assert sign * proposed.entry > sign * proposed.stop_loss
    assert all(sign * target > sign * proposed.entry for target in proposed.take_profit)
    assert proposed.reward_ratio == 2


# ---- sessions --------------------------------------------------------------------------------


def at(text):
    """A moment of the week of Monday, 5 June 2017."""
    name, clock = text.split()
    hour, minute = map(int, clock.split(":"))
    return datetime(2017, 6, 5 + DAYS.index(name), hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "moment", "open_"),
    [
        (("06:00", "18:00", ("Mon",)), "Mon 06:00", True),
        (("06:00", "18:00", ("Mon",)), "Mon 17:59", True),
        (("06:00", "18:00", ("Mon",)), "Mon 18:00", False),
        (("06:00", "18:00", ("Mon",)), "Mon 05:59", False),
        (("06:00", "18:00", ("Mon",)), "Tue 12:00", False),
        (("22:00", "02:00", ("Fri",)), "Fri 22:00", True),
        (("22:00", "02:00", ("Fri",)), "Fri 23:59", True),
        (("22:00", "02:00", ("Fri",)), "Sat 00:00", True),
        (("22:00", "02:00", ("Fri",)), "Sat 01:59", True),
        (("22:00", "02:00", ("Fri",)), "Sat 02:00", False),
        (("22:00", "02:00", ("Fri",)), "Fri 01:00", False),
        (("22:00", "02:00", ("Fri",)), "Fri 21:59", False),
        (("22:00", "02:00", ("Fri",)), "Sat 22:00", False),
        (("22:00", "02:00", ("Sun",)), "Mon 01:00", True),
        (("22:00", "02:00", ("Mon",)), "Mon 01:00", False),
        (("00:00", "23:59", ("Sun",)), "Sun 00:00", True),
        (("22:00", "00:00", ("Sun",)), "Sun 23:59", True),
        (("22:00", "00:00", ("Sun",)), "Mon 00:00", False),
    ],
)
def test_a_session_is_open_from_its_start_to_before_its_end(span, moment, open_):
    assert window(*span).holds(at(moment)) is open_


@given(st.times(), st.times(), st.integers(0, 7 * 24 * 60 - 1))
def test_a_session_and_its_complement_share_the_week(start, end, minute):
    start, end = start.replace(tzinfo=None), end.replace(tzinfo=None)
    if start == end:
        return
    instant = at("Mon 00:00") + timedelta(minutes=minute)
    inside = window(start.isoformat(), end.isoformat()).holds(instant)
    outside = window(end.isoformat(), start.isoformat()).holds(instant)
    assert inside is not outside
