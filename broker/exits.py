"""How a position of the paper broker ends: its stop, its targets one after the other, its time."""

from datetime import timedelta
from decimal import Decimal

from broker.held import Held
from engine.domain.account import Direction
from engine.domain.market import Candle


def exit_of(held: Held, candle: Candle, spread: Decimal) -> tuple[Decimal, str] | None:
    """Where a candle ends a position, or the next part of it, and why; None while it does not.

    A long leaves at the bid, which the candle shows; a short at the ask, the spread above it. When
    its time is up it leaves where the candle opens; of a stop and a target in one candle the stop
    is taken, because nobody can say which came first.
    """
    stop, target = held.stop_loss, held.targets[0]
    long = held.direction is Direction.BUY
    if _time_is_up(held, candle):
        return candle.open if long else candle.open + spread, "time_limit"
    if long:
        if candle.low <= stop:
            return min(stop, candle.open), "stop_loss"
        if candle.high >= target:
            return max(target, candle.open), "take_profit"
        return None
    if candle.high + spread >= stop:
        return max(stop, candle.open + spread), "stop_loss"
    if candle.low + spread <= target:
        return min(target, candle.open + spread), "take_profit"
    return None


def _time_is_up(held: Held, candle: Candle) -> bool:
    limit = held.time_limit_min
    return limit is not None and candle.time >= held.opened_at + timedelta(minutes=limit)
