"""What a strategy's rules want of an open trade now: a nearer stop, or a part closed. Pure.

A stop only ever comes nearer to the price, never to it or beyond. Each step is wanted once: whoever
moves the stop back by hand is not overruled by the step that was done, only by a further one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.domain.account import Position
from engine.domain.market import Candle, Instrument, Quote
from engine.domain.position_orders import Rule
from engine.domain.strategy import BreakEven, ExitRules, PartialClose, Trailing
from engine.errors import PositionRefused
from engine.gate.management import break_even, check_left, check_stop, exit_price
from engine.gate.sizing import floor_to_step
from engine.strategies.stages import FIRST_TARGET, measure

#: A trailing stop moves by so much at a time where the document does not say.
USUAL_STEP = "0.25 R"
#: More steps than any trade has: a step that small would be an order for every tick.
_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An open trade as its rules see it.

    ``first_stop`` and ``targets`` are those it was opened with, ``best`` the best price it could
    have been left at since. ``atr`` is that of the last closed candle, ``charged`` what closing
    costs as a distance in price; None where they are not known.
    """

    position: Position
    instrument: Instrument
    quote: Quote
    first_stop: Decimal
    targets: tuple[Decimal, ...]
    best: Decimal
    atr: Decimal | None = None
    charged: Decimal | None = None

    @property
    def risk(self) -> Decimal:
        """The first risk, as a distance in price."""
        return abs(self.position.entry_price - self.first_stop)

    @property
    def best_r(self) -> Decimal:
        """How far it went its way, in units of its first risk."""
        return self.gained(self.best) / self.risk

    def gained(self, price: Decimal) -> Decimal:
        """What a price is beyond the entry; below zero is a loss."""
        return self.position.direction.sign * (price - self.position.entry_price)

    def measure(self, text: str) -> Decimal | None:
        """A distance of the document, in price."""
        return measure(text, risk=self.risk, atr=self.atr, instrument=self.instrument)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One step of one rule: another stop, or a close down to so many lots."""

    rule: Rule
    step: int
    stop_loss: Decimal | None = None
    volume_left: Decimal | None = None


def best_price(position: Position, quote: Quote, candles: Collection[Candle]) -> Decimal:
    """The best price the trade could have been left at: now, or in one of these candles, which
    closed since it was opened. A short leaves at the ask, the spread above a candle's bids.
    """
    now = exit_price(position, quote)
    if position.direction.sign > 0:
        return max((now, *(candle.high for candle in candles)))
    return min((now, *(candle.low + quote.spread for candle in candles)))


def wishes(rules: ExitRules, held: Held, done: Collection[tuple[Rule, int]]) -> tuple[Wish, ...]:
    """At most one stop and one close, the stop first. ``done`` are steps that are not wanted again:
    they took effect, are under way, or have just failed.
    """
    if not held.risk > 0:
        return ()
    stops = [
        wish
        for wish in (_even(rules.break_even, held), _trail(rules.trailing, held))
        if wish is not None and (wish.rule, wish.step) not in done
    ]
    nearest = max(stops, key=lambda wish: held.gained(wish.stop_loss or Decimal(0)), default=None)
    part = next(
        (
            wish
            for step, stage in enumerate(rules.partial_close)
            if (Rule.PARTIAL_TARGET, step) not in done
            and (wish := _part(step, stage, held)) is not None
        ),
        None,
    )
    return tuple(wish for wish in (nearest, part) if wish is not None)


def _even(rule: BreakEven | None, held: Held) -> Wish | None:
    if rule is None or held.charged is None or not _reached(rule.at, held, held.best):
        return None
    offset = Decimal(0) if rule.offset is None else held.measure(rule.offset)
    if offset is None:
        return None
    try:
        stop = break_even(
            held.position, held.charged + offset, quote=held.quote, instrument=held.instrument
        )
    except PositionRefused:
        return None
    return _stop(Rule.BREAK_EVEN, 0, stop, held)


def _trail(rule: Trailing | None, held: Held) -> Wish | None:
    if rule is None or (rule.start is not None and not _reached(rule.start, held, held.best)):
        return None
    distance, step = held.measure(rule.distance), held.measure(rule.step or USUAL_STEP)
    if distance is None or step is None or not (distance > 0 and step > 0):
        return None
    sign = held.position.direction.sign
    room = sign * (held.best - held.first_stop) - distance
    number = min(int(room // step), _MOST_STEPS) if room > 0 else 0
    if not number > 0:
        return None
    tick = Decimal(1).scaleb(-held.instrument.digits)
    # Rounded away from the price: never nearer than the distance that was asked for.
    rounding = ROUND_FLOOR if sign > 0 else ROUND_CEILING
    stop = (held.first_stop + sign * number * step).quantize(tick, rounding=rounding)
    return _stop(Rule.TRAILING, number, stop, held)


def _stop(rule: Rule, step: int, stop: Decimal, held: Held) -> Wish | None:
    """The stop, if it is nearer than the one there is, and the venue may take it. Where the venue
    shows no stop, somebody took it away, or it is on its way: that is not for a rule to mend.
    """
    now = held.position.stop_loss
    if now is None or not held.position.direction.sign * (stop - now) > 0:
        return None
    try:
        check_stop(
            held.position, stop,
            quote=held.quote, instrument=held.instrument, original=held.first_stop,
        )  # fmt: skip
    except PositionRefused:
        return None
    return Wish(rule=rule, step=step, stop_loss=stop)


def _part(step: int, stage: PartialClose, held: Held) -> Wish | None:
    """A part is closed at the market, so the market must stand there now."""
    position, known = held.position, held.instrument
    if not _reached(stage.at, held, exit_price(position, held.quote)):
        return None
    part = floor_to_step(position.volume * stage.percent / 100, known.volume_step)
    left = position.volume - part
    try:
        check_left(position, left, known)
    except PositionRefused:
        return None
    return Wish(rule=Rule.PARTIAL_TARGET, step=step, volume_left=left) if left else None


def _reached(at: str, held: Held, price: Decimal) -> bool:
    if at == FIRST_TARGET:
        return bool(held.targets) and held.gained(price) >= held.gained(held.targets[0])
    distance = held.measure(at)
    return distance is not None and held.gained(price) >= distance
