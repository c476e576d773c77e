"""Exit expressions of a rule document: where a stop or a target lies, as a price."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise

from engine.domain.account import Direction
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Side
from engine.domain.values import quantize
from engine.errors import InvalidInput

_NUMBER = r"(?P<number>[0-9]{1,6}(?:\.[0-9]{1,4})?)"
_DISTANCE = re.compile(rf"{_NUMBER}\s*(?P<unit>\*\s*atr|pips|points|cents)")
_LEVEL = re.compile(
    rf"(?:recent_)?(?P<level>swing_low|swing_high|ema_20|ema_50|bb_low|bb_mid|bb_high|vwap)"
    rf"(?:\s*(?P<sign>[+-])\s*{_NUMBER}\s*(?P<unit>\*\s*atr|pips|points|cents))?"
)
_RATIO = re.compile(rf"RR\s*>?=\s*{_NUMBER}")
_ZONES = ("key_resistance_zone", "key_support_zone")
#: Candles of a pivot: one, and two on either side that do not reach as far.
_PIVOT = 5
_CENT = Decimal("0.01")

STOP_FORMS = "'2 * atr', '15 pips' or 'swing_low - 5 pips'"
TARGET_FORMS = f"'RR>=2', '3 * atr', '30 pips', 'bb_mid' or '{_ZONES[0]}'"


def check_stop(text: str) -> None:
    """Raise :class:`InvalidInput` unless the expression can be read as a stop."""
    if not (_DISTANCE.fullmatch(text) or _LEVEL.fullmatch(text)):
        raise InvalidInput(f"cannot read {text!r} as a stop; write {STOP_FORMS}")


def check_target(text: str) -> None:
    """Raise :class:`InvalidInput` unless the expression can be read as a target."""
    readable = (_DISTANCE.fullmatch, _LEVEL.fullmatch, _RATIO.fullmatch, _ZONES.__contains__)
    if not any(form(text) for form in readable):
        raise InvalidInput(f"cannot read {text!r} as a target; write {TARGET_FORMS}")


def ratio_of(text: str) -> Decimal | None:
    """How many times the risk a target is to earn, where that is what it asks for."""
    match = _RATIO.fullmatch(text)
    return None if match is None else Decimal(match["number"])


def distance_of(text: str) -> tuple[Decimal, str] | None:
    """A number and its unit (``atr``, ``pips``, ``points``, ``cents``), where an exit is nothing
    else.
    """
    match = _DISTANCE.fullmatch(text)
    return None if match is None else (Decimal(match["number"]), match["unit"].lstrip("* "))


def implied_side(stop: str) -> Side:
    """Which way a strategy trades that puts its stop there: under the swing low it buys."""
    match = _LEVEL.fullmatch(stop)
    sides = {"swing_low": Side.BUY, "swing_high": Side.SELL}
    return Side.BOTH if match is None else sides.get(match["level"], Side.BOTH)


def stop_price(text: str, bundle: Bundle, direction: Direction, entry: Decimal) -> Decimal | None:
    """The stop's price, rounded to the symbol's digits; None when it cannot be had now.

    A stop on the wrong side of the entry is returned as it is: the gate refuses it by name.
    """
    if match := _DISTANCE.fullmatch(text):
        distance = _distance(match, bundle)
        return None if distance is None else _round(entry - direction.sign * distance, bundle)
    match = _LEVEL.fullmatch(text)
    return None if match is None else _level(match, bundle)


def target_price(
    text: str, bundle: Bundle, direction: Direction, entry: Decimal, risk: Decimal
) -> Decimal | None:
    """A target's price, rounded to the symbol's digits; None when it is not beyond the entry."""
    price = _target(text, bundle, direction, entry, risk)
    if price is None or not direction.sign * (price - entry) > 0:
        return None
    return price


def _target(
    text: str, bundle: Bundle, direction: Direction, entry: Decimal, risk: Decimal
) -> Decimal | None:
    if match := _RATIO.fullmatch(text):
        return _round_away(
            entry + direction.sign * risk * Decimal(match["number"]), bundle, direction
        )
    if match := _DISTANCE.fullmatch(text):
        distance = _distance(match, bundle)
        return None if distance is None else _round(entry + direction.sign * distance, bundle)
    if text in _ZONES:
        return _zone(bundle, direction, entry)
    match = _LEVEL.fullmatch(text)
    return None if match is None else _level(match, bundle)


def _zone(bundle: Bundle, direction: Direction, entry: Decimal) -> Decimal | None:
    """The near edge of the nearest zone ahead of the trade, or None where there is none.

    A zone is where the market turned at least twice: two pivots, highs for a buy and lows for a
    sell, within half an ATR of each other.
    """
    atr, sign = bundle.indicators.atr_14, direction.sign
    if atr is None:
        return None
    prices = [c.high if direction is Direction.BUY else c.low for c in bundle.candles]
    ahead = sorted(sign * price for price in _pivots(prices, sign) if sign * (price - entry) > 0)
    return next((sign * near for near, far in pairwise(ahead) if far - near <= atr / 2), None)


def _pivots(prices: list[Decimal], sign: int) -> list[Decimal]:
    """Prices that reach further than the two before and no less than the two after them."""
    reach, half = [sign * price for price in prices], _PIVOT // 2
    return [
        prices[i]
        for i in range(half, len(prices) - half)
        if max(reach[i - half : i]) < reach[i] >= max(reach[i + 1 : i + 1 + half])
    ]


def _level(match: re.Match[str], bundle: Bundle) -> Decimal | None:
    level: Decimal | None = getattr(bundle.indicators, match["level"])
    if level is None:
        return None
    if match["sign"] is None:
        return _round(level, bundle)
    offset = _distance(match, bundle)
    if offset is None:
        return None
    return _round(level + (offset if match["sign"] == "+" else -offset), bundle)


def _distance(match: re.Match[str], bundle: Bundle) -> Decimal | None:
    step = _step(match["unit"], bundle)
    return None if step is None else step * Decimal(match["number"])


def _step(unit: str, bundle: Bundle) -> Decimal | None:
    if unit == "pips":
        return bundle.instrument.pip
    if unit == "points":
        return Decimal(1).scaleb(-bundle.instrument.digits)
    return _CENT if unit == "cents" else bundle.indicators.atr_14


def _round_away(price: Decimal, bundle: Bundle, direction: Direction) -> Decimal:
    """Rounded so that the trade earns at least the ratio that was asked for."""
    rounding = ROUND_CEILING if direction is Direction.BUY else ROUND_FLOOR
    return price.quantize(Decimal(1).scaleb(-bundle.instrument.digits), rounding=rounding)


def _round(price: Decimal, bundle: Bundle) -> Decimal:
    return quantize(price, bundle.instrument.digits)
