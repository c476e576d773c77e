"""Entry conditions over whole columns: what ``engine.strategies.rules`` says of each candle.

A condition that is not here is asked candle by candle. ``tests/properties`` hold both against each
other: what is certain here must be what the rule says.
"""

from collections.abc import Callable
from decimal import Decimal

import numpy as np

from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.domain.strategy import Condition
from engine.research.columns import Whole
from engine.research.figures import UNSURE, Figures, Truth, shifted
from engine.research.longer import LEAST, closed_by
from engine.snapshot.indicators import SWING, Column

#: (figures, direction, argument) -> where it holds
Rule = Callable[[Figures, Direction, str], Truth]

TRUTHS: dict[str, Rule] = {}

#: What is lost of a squared price in running sums over all candles.
_SUMS = 1e-11


def truth_of(condition: Condition, figures: Figures, direction: Direction) -> Truth:
    """Where a condition holds; nowhere certain when it has no column form."""
    rule = TRUTHS.get(condition.name)
    if rule is None:
        nowhere = np.zeros(len(figures.columns), dtype=np.bool_)
        return Truth(nowhere, nowhere.copy())
    return rule(figures, direction, condition.argument)


def _rule(name: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        TRUTHS[name] = rule
        return rule

    return register


def _is_bullish(wanted: str, direction: Direction) -> bool:
    if wanted == "with_trade":
        return direction is Direction.BUY
    return wanted == "bullish"


def present(*columns: Column) -> Truth:
    """Where all of these figures are there."""
    there = np.logical_and.reduce([np.isfinite(column) for column in columns])
    return Truth(there, np.ones(len(there), dtype=np.bool_))


@_rule("trend_alignment")
def _trend_alignment(f: Figures, direction: Direction, wanted: str) -> Truth:
    fast, slow = f["sma_50"], f["sma_200"]
    if _is_bullish(wanted, direction):
        return f.above(fast, slow) & f.above(f.close, slow)
    return f.above(slow, fast) & f.above(slow, f.close)


@_rule("ema_trend")
def _ema_trend(f: Figures, direction: Direction, wanted: str) -> Truth:
    above = f.above(f["ema_20"], f["ema_50"])
    known = present(f["ema_20"], f["ema_50"])
    return above if _is_bullish(wanted, direction) else ~above & known


def _in_longer(rule: Rule) -> Rule:
    """The same said of a longer timeframe, which is named in front of the argument."""

    def longer(f: Figures, direction: Direction, argument: str) -> Truth:
        name, _, wanted = argument.partition(" ")
        count = len(f.columns)
        if f.longer is None:
            return Truth(np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_))
        whole = f.longer.get(Timeframe(name))
        if whole is None or not len(whole):
            return Truth(np.zeros(count, dtype=np.bool_), np.ones(count, dtype=np.bool_))
        found = rule(Figures(whole, f.digits), direction, wanted)
        ends = closed_by(whole, f.columns.opened + f.columns.length)
        there, last = ends >= LEAST, np.maximum(ends, 1) - 1
        return Truth(found.met[last] & there, found.sure[last] | ~there)

    return longer


_rule("higher_timeframe_trend")(_in_longer(_ema_trend))


@_rule("ema_gap_atr_above")
def _ema_gap_atr_above(f: Figures, direction: Direction, least: str) -> Truth:
    atr = f["atr_14"]
    moved = f.above(atr, np.zeros(len(atr)))
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = direction.sign * (f["ema_20"] - f["ema_50"]) / atr
        slack = (1 + np.abs(gap)) * 2 * f.slack / atr
    found = f.above(gap, np.full(len(gap), float(least)), np.nan_to_num(slack))
    _settle_gap(found, f, direction, Decimal(least))
    return Truth(found.met & moved.met, found.sure & moved.sure)


def _settle_gap(found: Truth, f: Figures, direction: Direction, least: Decimal) -> None:
    """Divide the figures as they are rounded where the quotient is too near to its limit."""
    names = ("ema_20", "ema_50", "atr_14")
    for place in np.flatnonzero(~found.sure):
        fast, slow, atr = (f.rounded(name).units.item(place) for name in names)
        if min(fast, slow) > UNSURE and atr > 0:
            found.met[place] = Decimal(direction.sign * (fast - slow)) / atr > least
            found.sure[place] = True


@_rule("ema_cross")
def _ema_cross(f: Figures, direction: Direction, wanted: str) -> Truth:
    above, known = f.above(f["ema_20"], f["ema_50"]), present(f["ema_20"], f["ema_50"])
    was, was_known = shifted(above), shifted(known)
    crossed = above & ~was if _is_bullish(wanted, direction) else ~above & was
    return crossed & known & was_known


@_rule("close_crosses_ema_20")
def _close_crosses_ema_20(f: Figures, direction: Direction, _: str) -> Truth:
    known = present(f["ema_20"])
    if direction is Direction.BUY:
        beyond = f.above(f.close, f["ema_20"])
    else:
        beyond = f.above(f["ema_20"], f.close)
    return beyond & ~shifted(beyond) & shifted(known)


@_rule("rsi_below")
def _rsi_below(f: Figures, _: Direction, limit: str) -> Truth:
    values = f["rsi_14"]
    below = f.oscillator_below("rsi_14", float(limit))
    moved = f.above(f["atr_14"], np.zeros(len(values)))
    return below & moved & present(values)


@_rule("rsi_above")
def _rsi_above(f: Figures, _: Direction, limit: str) -> Truth:
    return f.oscillator_above("rsi_14", float(limit))


_rule("higher_timeframe_rsi_below")(_in_longer(_rsi_below))
_rule("higher_timeframe_rsi_above")(_in_longer(_rsi_above))


@_rule("adx_above")
def _adx_above(f: Figures, _: Direction, limit: str) -> Truth:
    return f.oscillator_above("adx_14", float(limit))


@_rule("macd_side")
def _macd_side(f: Figures, direction: Direction, wanted: str) -> Truth:
    hist = f["macd_hist"]
    above = f.above(hist, np.zeros(len(hist)))
    return above if _is_bullish(wanted, direction) else ~above & present(hist)


@_rule("macd_cross")
def _macd_cross(f: Figures, direction: Direction, wanted: str) -> Truth:
    hist = f["macd_hist"]
    above, known = f.above(hist, np.zeros(len(hist))), present(hist)
    was, was_known = shifted(above), shifted(known)
    crossed = above & ~was if _is_bullish(wanted, direction) else ~above & was
    return crossed & known & was_known


def band_slack(f: Figures) -> Column:
    """How far a price must be from a Bollinger band to be certainly on that side of it."""
    # A deviation is the root of a difference of large sums, which loses digits where little moves.
    deviation = np.maximum((f["bb_high"] - f["bb_mid"]) / 2, f.unit)
    slack: Column = f.slack + _SUMS * f.close**2 / deviation
    return slack


@_rule("bollinger_touch")
def _bollinger_touch(f: Figures, direction: Direction, wanted: str) -> Truth:
    low, high = f["bb_low"], f["bb_high"]
    band = wanted
    if wanted == "with_trade":
        band = "lower" if direction is Direction.BUY else "upper"
    window, slack = f.columns.arrays(0, len(f.columns)), band_slack(f)
    # Touching counts: it is met where the candle is not short of the band.
    lower = band == "lower"
    short = f.above(window.low, low, slack) if lower else f.above(high, window.high, slack)
    return ~short & present(low, high)


@_rule("vwap_side")
def _vwap_side(f: Figures, direction: Direction, wanted: str) -> Truth:
    vwap = f.vwap
    slack = 10 * f.slack
    if _is_bullish(wanted, direction):
        return f.above(f.close, vwap, slack)
    return f.above(vwap, f.close, slack)


@_rule("price_rejects_level")
def _price_rejects_level(f: Figures, direction: Direction, _: str) -> Truth:
    columns, buys = f.columns, direction is Direction.BUY
    level = _extreme(columns.low if buys else columns.high, np.min if buys else np.max)
    probe = columns.low if buys else columns.high
    atr = f["atr_14"]
    reach = np.abs(probe - level) / 10**columns.places
    # It may touch the limit: near is "not farther than", and a level needs ten candles.
    near = ~f.above(reach, atr / 2, f.slack) & present(atr)
    span = columns.high - columns.low
    away = (span > 0) & (5 * direction.sign * (columns.close - probe) >= 2 * span)
    away[: SWING - 1] = False
    return near & Truth(away, np.ones(len(away), dtype=np.bool_))


def _extreme(values: Whole, what: Callable[..., Whole]) -> Whole:
    """The extreme of the last ten candles; before there are ten, of those there are."""
    padded = np.concatenate([np.full(SWING - 1, values[0]), values])
    return what(np.lib.stride_tricks.sliding_window_view(padded, SWING), axis=1)
