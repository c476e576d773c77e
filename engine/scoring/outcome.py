"""Follow an idea through the candles after it: target, stop, time, or still open."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from engine.domain.account import Direction
from engine.domain.idea import Proposal
from engine.domain.market import Candle
from engine.domain.outcome import Outcome, Progress, Result
from engine.domain.values import quantize

#: An idea whose strategy sets no earlier limit is given up after this many candles (H1: a month).
MAX_CANDLES = 500
#: Markets close for weekends and holidays. A longer hole means that candles are missing, and what
#: happened in them cannot be known.
MAX_HOLE = timedelta(days=7)

_PLACES = 4


def follow(progress: Progress, candles: Iterable[Candle]) -> Progress | Outcome:
    """What the market made of an idea, from where it was left; ``candles`` are oldest first, and
    those seen before are passed over, so that portions give the same as all at once.

    The idea is entered at its own price. Candles are bids: a buy leaves at them, a sell at the ask,
    which is taken as the bid plus the idea's ``spread``. A stop the market jumped over is left at
    the candle's open, so it may cost more than 1 R; a target earns its own price, never more. When
    one candle touches both, the stop counts: nobody can say which came first. The deadline is
    reached with the first candle that closes at or after it, and R is then that of its close.
    """
    if not _measurable(progress.proposal):
        return _ended(progress, Result.UNKNOWN, None, progress.seen)
    for candle in candles:
        if candle.time <= progress.seen:
            continue
        if candle.time - progress.seen > MAX_HOLE:
            return _ended(progress, Result.UNKNOWN, None, progress.seen)
        step = _step(progress, candle)
        if isinstance(step, Outcome):
            return step
        progress = step
    return progress


def unmeasured(at: datetime) -> Outcome:
    """The outcome of an idea of which nothing can be said; ``at`` is when that was found."""
    nothing = Decimal(0)
    return Outcome(
        result=Result.UNKNOWN, r=None, at=at, candles=0, favourable=nothing, adverse=nothing
    )


def _measurable(proposal: Proposal) -> bool:
    """Whether the stop lies on the losing side and the target on the winning one."""
    sign = proposal.direction.sign
    risk = sign * (proposal.entry - proposal.stop_loss)
    reward = sign * (proposal.take_profit[0] - proposal.entry)
    return risk > 0 and reward > 0


@dataclass(frozen=True, slots=True)
class _Gains:
    """A candle as what leaving at its prices would gain, in price; a loss is negative."""

    open: Decimal
    best: Decimal
    worst: Decimal
    close: Decimal


def _gains(progress: Progress, candle: Candle) -> _Gains:
    proposal = progress.proposal
    is_buy = proposal.direction is Direction.BUY
    cost = Decimal(0) if is_buy else progress.spread
    best, worst = (candle.high, candle.low) if is_buy else (candle.low, candle.high)
    opened, high, low, closed = (
        proposal.direction.sign * (price + cost - proposal.entry)
        for price in (candle.open, best, worst, candle.close)
    )
    return _Gains(opened, high, low, closed)


def _step(progress: Progress, candle: Candle) -> Progress | Outcome:
    proposal, gains = progress.proposal, _gains(progress, candle)
    risk, reward = proposal.risk, abs(proposal.take_profit[0] - proposal.entry)
    closes = candle.time + proposal.timeframe.length
    after = replace(
        progress,
        seen=candle.time,
        candles=progress.candles + 1,
        favourable=max(progress.favourable, _in_r(gains.best, risk)),
        adverse=min(progress.adverse, _in_r(gains.worst, risk)),
    )
    # Of the last candle, only what surely came before the end counts in an idea's favour.
    if gains.worst <= -risk:
        r = _in_r(min(-risk, gains.open), risk)
        stopped = replace(after, favourable=progress.favourable, adverse=min(progress.adverse, r))
        return _ended(stopped, Result.STOP, r, closes)
    if gains.best >= reward:
        r = _in_r(reward, risk)
        return _ended(replace(after, favourable=r), Result.TARGET, r, closes)
    is_late = progress.deadline is not None and closes >= progress.deadline
    if is_late or after.candles >= MAX_CANDLES:
        return _ended(after, Result.TIMED_OUT, _in_r(gains.close, risk), closes)
    return after


def _ended(progress: Progress, result: Result, r: Decimal | None, at: datetime) -> Outcome:
    return Outcome(
        result=result,
        r=r,
        at=at,
        candles=progress.candles,
        favourable=progress.favourable,
        adverse=progress.adverse,
    )


def _in_r(gain: Decimal, risk: Decimal) -> Decimal:
    return quantize(gain / risk, _PLACES)
