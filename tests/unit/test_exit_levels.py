"""Where a trade ends: what the words of stops and targets mean, in both directions."""

from dataclasses import replace
from decimal import Decimal

import pytest

from broker.instruments import instrument
from engine.domain.strategy import Side
from engine.errors import InvalidInput
from engine.strategies.exits import (
    check_stop,
    check_target,
    implied_side,
    stop_price,
    target_price,
)
from tests.builders import bundle, candles, indicators
from tests.unit.test_strategies import BUY, SELL, figures

ENTRY = Decimal("1.10000")
LEVELS = figures(
    swing_low="1.09501", swing_high="1.10502", ema_20="1.0970349", ema_50="1.0960351",
    bb_low="1.0940000", bb_mid="1.0990000", bb_high="1.1040000", vwap="1.0975049",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "buy", "sell"),
    [
        ("2 * atr", "1.09800", "1.10200"),
        ("1.5*atr", "1.09850", "1.10150"),
        ("15 pips", "1.09850", "1.10150"),
        ("15pips", "1.09850", "1.10150"),
        ("0.5 pips", "1.09995", "1.10005"),
        ("150 points", "1.09850", "1.10150"),
        ("2 cents", "1.08000", "1.12000"),
        ("swing_low", "1.09501", "1.09501"),
        ("swing_high", "1.10502", "1.10502"),
        ("recent_swing_low", "1.09501", "1.09501"),
        ("recent_swing_low - 5 pips", "1.09451", "1.09451"),
        ("swing_high + 5 pips", "1.10552", "1.10552"),
        ("swing_low-10 points", "1.09491", "1.09491"),
        ("bb_low - 0.5 * atr", "1.09350", "1.09350"),
        ("bb_mid", "1.09900", "1.09900"),
        ("bb_high + 1 cents", "1.11400", "1.11400"),
        ("vwap - 5 pips", "1.09700", "1.09700"),
        ("ema_20", "1.09703", "1.09703"),
        ("ema_50", "1.09604", "1.09604"),
    ],
)
def test_a_stop_lies_where_its_words_say(text, buy, sell):
    check_stop(text)
    assert str(stop_price(text, LEVELS, BUY, ENTRY)) == buy
    assert str(stop_price(text, LEVELS, SELL, ENTRY)) == sell


@pytest.mark.parametrize(
    ("text", "buy", "sell"),
    [
        ("RR>=2", "1.10400", "1.09600"),
        ("RR >= 2.5", "1.10500", "1.09500"),
        ("RR=1", "1.10200", "1.09800"),
        ("3 * atr", "1.10300", "1.09700"),
        ("30 pips", "1.10300", "1.09700"),
        ("300 points", "1.10300", "1.09700"),
        ("1 cents", "1.11000", "1.09000"),
        ("bb_high", "1.10400", None),
        ("bb_mid", None, "1.09900"),
        ("bb_low", None, "1.09400"),
        ("swing_high - 2 pips", "1.10482", None),
        ("swing_low + 2 pips", None, "1.09521"),
        ("vwap", None, "1.09750"),
    ],
)
def test_a_target_lies_where_its_words_say_and_never_behind_the_entry(text, buy, sell):
    check_target(text)
    risk = Decimal("0.00200")
    for direction, price in ((BUY, buy), (SELL, sell)):
        found = target_price(text, LEVELS, direction, ENTRY, risk)
        assert (None if found is None else str(found)) == price


def test_a_target_at_the_entry_is_none():
    seen = figures(bb_mid="1.10000")
    assert target_price("bb_mid", seen, BUY, ENTRY, Decimal("0.002")) is None
    assert target_price("RR>=2", seen, BUY, ENTRY, Decimal(0)) is None


def turning(*prices, sign=1):
    """A bundle whose candles make pivots at these prices, in order, with ATR of ten pips."""
    shown = list(candles(10 * len(prices)))
    for place, text in enumerate(prices):
        spot = 10 * place + 5
        name = "high" if sign > 0 else "low"
        shown[spot] = replace(shown[spot], **{name: Decimal(text)})
    return bundle(candles=tuple(shown))


@pytest.mark.parametrize("text", ["key_resistance_zone", "key_support_zone"])
@pytest.mark.parametrize(
    ("prices", "target"),
    [
        (("1.1030", "1.1034"), "1.1030"),
        (("1.1034", "1.1030"), "1.1030"),
        (("1.1030", "1.1035"), "1.1030"),
        (("1.1030", "1.10351"), None),
        (("1.1030",), None),
        (("1.1060", "1.1062", "1.1030", "1.1032"), "1.1030"),
        (("1.1060", "1.1062", "1.1030"), "1.1060"),
        (("1.1030", "1.1030"), "1.1030"),
    ],
)
def test_a_zone_is_where_the_market_turned_twice(text, prices, target):
    wanted = None if target is None else Decimal(target)
    check_target(text)
    assert target_price(text, turning(*prices), BUY, ENTRY, ENTRY) == wanted
    under = [str(Decimal("2.2") - Decimal(price)) for price in prices]
    mirrored = None if wanted is None else Decimal("2.2") - wanted
    assert target_price(text, turning(*under, sign=-1), SELL, ENTRY, ENTRY) == mirrored


def test_a_zone_behind_the_entry_or_without_an_atr_is_no_target():
    seen = turning("1.1030", "1.1032")
    above = Decimal("1.1031")
    assert target_price("key_resistance_zone", seen, BUY, above, ENTRY) is None
    blind = replace(seen, indicators=indicators(atr_14=None))
    assert target_price("key_resistance_zone", blind, BUY, ENTRY, ENTRY) is None


def test_a_market_that_never_moves_has_no_zone():
    still = bundle(candles=candles(60))
    assert target_price("key_resistance_zone", still, BUY, ENTRY, ENTRY) is None


@pytest.mark.parametrize(
    ("stop", "side"),
    [
        ("recent_swing_low - 50 cents", Side.BUY),
        ("swing_low", Side.BUY),
        ("swing_high + 5 pips", Side.SELL),
        ("2 * atr", Side.BOTH),
        ("bb_low", Side.BOTH),
    ],
)
def test_a_stop_implies_the_side_it_protects(stop, side):
    assert implied_side(stop) is side


def test_pips_and_points_are_those_of_the_symbol():
    yen = bundle(symbol="USDJPY", instrument=instrument("USDJPY"))
    assert stop_price("15 pips", yen, BUY, Decimal("150.000")) == Decimal("149.850")
    assert stop_price("15 points", yen, BUY, Decimal("150.000")) == Decimal("149.985")


@pytest.mark.parametrize("text", ["2 * atr", "swing_low - 1 * atr", "bb_low", "ema_20 + 2 pips"])
def test_a_stop_cannot_be_had_while_its_figure_is_missing(text):
    nothing = figures(atr_14=None, bb_low=None, ema_20=None)
    assert stop_price(text, nothing, BUY, ENTRY) is None
    assert target_price(text, nothing, BUY, ENTRY, ENTRY) is None


WRONG = [
    "", " ", "2", "atr", "atr * 2", "-2 * atr", "2 * atr ", " 2 * atr", "2 * rsi", "1e3 pips",
    "15 pip", "15 PIPS", "swing_low * 2", "swing_low - 5", "swing_low - pips", "swing_mid",
    "1234567 pips", "0.12345 pips", "__import__('os')", "2 * atr; 3 pips", "NaN pips", "2 * atr\n",
]  # fmt: skip


@pytest.mark.parametrize("text", [*WRONG, "RR>=2", "key_resistance_zone"])
def test_a_stop_that_cannot_be_read_is_refused_with_an_example(text):
    with pytest.raises(InvalidInput, match=r"cannot read .* as a stop; write '2 \* atr'"):
        check_stop(text)


@pytest.mark.parametrize("text", [*WRONG, "RR", "RR>2", "RR>=", "RR>=-1", "RR<=2", "key_zone"])
def test_a_target_that_cannot_be_read_is_refused_with_an_example(text):
    with pytest.raises(InvalidInput, match=r"cannot read .* as a target; write 'RR>=2'"):
        check_target(text)
