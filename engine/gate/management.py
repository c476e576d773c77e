"""What may be done with an open trade: pure rules, each of which refuses with its reason.

A trade leaves at the bid when it is long and at the ask when it is short; a stop or a target is
held against that price. A stop may come nearer to the price, and go back, but never beyond the stop
the trade was opened with: that would risk more than was decided.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.domain.account import Direction, Position
from engine.domain.market import Instrument, Quote
from engine.domain.values import quantize
from engine.errors import PositionRefused
from engine.gate.sizing import floor_to_step

#: More than anyone watches on a phone.
MOST_TARGETS = 5
#: Money below which a difference is the venue's rounding and no cost.
_CENT = Decimal("0.01")


def exit_price(position: Position, quote: Quote) -> Decimal:
    """Where the trade could be left now."""
    return quote.bid if position.direction is Direction.BUY else quote.ask


def on_tick(price: Decimal, instrument: Instrument) -> Decimal:
    """The nearest price the venue knows."""
    return quantize(price, instrument.digits)


def check_stop(
    position: Position,
    stop: Decimal,
    *,
    quote: Quote,
    instrument: Instrument,
    original: Decimal | None,
) -> None:
    """Refuse a stop on the wrong side, too near, or wider than ``original``, the trade's first
    stop; of a trade we did not open, that is the stop it has.
    """
    sign, market = position.direction.sign, exit_price(position, quote)
    if not (stop > 0 and sign * (market - stop) > 0):
        raise PositionRefused("stop_side", price=_plain(stop), market=_plain(market))
    _not_too_near(stop, market, instrument)
    _not_frozen(position, (stop,), market, instrument)
    first = position.stop_loss if original is None else original
    if first is not None and not sign * (stop - first) >= 0:
        raise PositionRefused("stop_wider", price=_plain(stop), limit=_plain(first))


def check_targets(
    position: Position, targets: Sequence[Decimal], *, quote: Quote, instrument: Instrument
) -> None:
    """Refuse no targets, too many, and any that is on the wrong side or too near."""
    if not 0 < len(targets) <= MOST_TARGETS:
        raise PositionRefused("targets_count", count=str(MOST_TARGETS))
    market = exit_price(position, quote)
    for target in targets:
        if not position.direction.sign * (target - market) > 0:
            raise PositionRefused("target_side", price=_plain(target), market=_plain(market))
        _not_too_near(target, market, instrument)
    _not_frozen(position, targets, market, instrument)


def _not_too_near(price: Decimal, market: Decimal, instrument: Instrument) -> None:
    if not abs(market - price) >= instrument.stops_level:
        raise PositionRefused(
            "too_near",
            price=_plain(price),
            market=_plain(market),
            limit=_plain(instrument.stops_level),
        )


def _not_frozen(
    position: Position, wanted: Sequence[Decimal], market: Decimal, instrument: Instrument
) -> None:
    """Refuse where the venue moves no levels: the market is at one of those it has, or would be at
    one of the new.
    """
    for level in (position.stop_loss, position.take_profit, *wanted):
        if level is not None and instrument.freezes(level, market):
            raise PositionRefused(
                "frozen",
                price=_plain(level),
                market=_plain(market),
                limit=_plain(instrument.freeze_level),
            )


def in_order(targets: Sequence[Decimal], direction: Direction) -> tuple[Decimal, ...]:
    """Targets without repetitions, the nearest to the trade first."""
    return tuple(sorted(set(targets), reverse=direction is Direction.SELL))


def half(position: Position, instrument: Instrument) -> Decimal:
    """What is left when half is closed, the closed half rounded down to the volume step."""
    return position.volume - floor_to_step(position.volume / 2, instrument.volume_step)


def check_left(position: Position, left: Decimal, instrument: Instrument) -> None:
    """Refuse to leave a volume that cannot be held, or to close one that cannot be dealt."""
    if not 0 <= left < position.volume:
        raise PositionRefused("left", volume=_plain(left), held=_plain(position.volume))
    if not left:
        return
    step, least = instrument.volume_step, instrument.volume_min
    if not (left >= least and position.volume - left >= least and left % step == 0):
        raise PositionRefused("part", held=_plain(position.volume), least=_plain(least))


def costs(position: Position, quote: Quote, instrument: Instrument, rate: Decimal) -> Decimal:
    """What closing costs, as a distance in price: what the venue's result is short of the bare
    difference of prices. ``rate`` is account currency for one unit of the quote currency.
    """
    lots = position.volume * instrument.contract_size
    moved = exit_price(position, quote) - position.entry_price
    money = position.direction.sign * moved * lots * rate - position.profit
    return money / (lots * rate) if money > _CENT else Decimal(0)


def break_even(
    position: Position, charged: Decimal, *, quote: Quote, instrument: Instrument
) -> Decimal:
    """The stop at which nothing is lost: entry and costs, rounded in the trade's favour.

    Refused while the market is not beyond it.
    """
    sign, market = position.direction.sign, exit_price(position, quote)
    tick = Decimal(1).scaleb(-instrument.digits)
    rounding = ROUND_CEILING if sign > 0 else ROUND_FLOOR
    price = (position.entry_price + sign * charged).quantize(tick, rounding=rounding)
    if not sign * (market - price) > 0:
        raise PositionRefused("not_beyond", price=_plain(price), market=_plain(market))
    return price


def result_in_r(position: Position, price: Decimal, original: Decimal | None) -> Decimal | None:
    """The result at a price in units of the trade's first risk; None when that is not known."""
    risk = None if original is None else abs(position.entry_price - original)
    if not risk:
        return None
    return position.direction.sign * (price - position.entry_price) / risk


def _plain(number: Decimal) -> str:
    return f"{number:f}"
