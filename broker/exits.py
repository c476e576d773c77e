"""How a position of the paper broker ends: its stop, its targets one after the other, its time."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.domain.account import Direction
from engine.domain.market import Candle
from engine.domain.values import quantize


def exit_of(held: dict[str, Any], candle: Candle, spread: Decimal) -> tuple[Decimal, str] | None:
    """Where a candle ends a position, or the next part of it, and why; None while it does not.

    A long leaves at the bid, which the candle shows; a short at the ask, the spread above it. When
    its time is up it leaves where the candle opens; of a stop and a target in one candle the stop
    is taken, because nobody can say which came first.
    """
    stop, target = Decimal(held["stop_loss"]), Decimal(held["targets"][0])
    long = Direction(held["direction"]) is Direction.BUY
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


def _time_is_up(held: dict[str, Any], candle: Candle) -> bool:
    limit = held.get("time_limit_min")
    if limit is None:
        return False
    opened = datetime.fromisoformat(held["opened_at"])
    return candle.time >= opened + timedelta(minutes=limit)


def shares(volume: Decimal, count: int, *, step: Decimal, least: Decimal) -> tuple[Decimal, ...]:
    """A volume in equal shares for so many targets, the first ones rounded down to the step.

    When there is too little of it for every target, the farthest ones get none.
    """
    for number in range(count, 1, -1):
        share = volume / number // step * step
        if share >= least:
            return (*[share] * (number - 1), volume - share * (number - 1))
    return (volume,)


def split_off(held: dict[str, Any]) -> dict[str, Any]:
    """The part that the nearest target takes, by a number of its own; the rest stays held."""
    volume = held["shares"].pop(0)
    held["targets"] = held["targets"][1:]
    return carve(held, Decimal(volume))


def carve(held: dict[str, Any], volume: Decimal) -> dict[str, Any]:
    """Take a volume out of a position, by a number of its own and with its share of what the
    position has paid and earned so far, in cents; the rest keeps the rest of it.
    """
    whole = Decimal(held["volume"])
    held["taken"] = held.get("taken", 0) + 1
    part = {**held, "id": f"{held['id']}/{held['taken']}", "volume": str(volume)}
    for name in ("commission", "swap"):
        paid = Decimal(held.get(name, "0"))
        share = quantize(paid * volume / whole, 2)
        part[name], held[name] = str(share), str(paid - share)
    held["volume"] = str(whole - volume)
    return part
