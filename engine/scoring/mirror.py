"""A person's mirror: what they approved, rejected and let expire against what the market did."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from engine.domain.approval import Ending
from engine.domain.outcome import Answered
from engine.domain.values import quantize

#: A yes that was not carried out, because the price, a check or the trading state forbade it.
_BLOCKED = (Ending.PRICE_MOVED, Ending.GATE_CLOSED, Ending.HALTED)
_PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Ideas with the same answer: how many, how many of them have ended, how many of those gained,
    and the sum of their R.
    """

    ideas: int
    ended: int
    won: int
    total_r: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Every answer of a person, and what nobody answered. ``blocked`` was approved and not sent."""

    approved: Answers
    rejected: Answers
    expired: Answers
    blocked: Answers


def reflect(answered: Iterable[Answered]) -> Mirror:
    """Sum up answers; an idea that is still open has no R yet."""
    known = [(one.ending, result_r(one)) for one in answered]

    def group(*endings: Ending) -> Answers:
        all_r = [r for ending, r in known if ending in endings]
        done = [r for r in all_r if r is not None]
        return Answers(
            ideas=len(all_r),
            ended=len(done),
            won=sum(r > 0 for r in done),
            total_r=sum(done, Decimal(0)),
        )

    return Mirror(
        approved=group(Ending.APPROVED),
        rejected=group(Ending.REJECTED),
        expired=group(Ending.EXPIRED),
        blocked=group(*_BLOCKED),
    )


def result_r(one: Answered) -> Decimal | None:
    """What an answered idea came to, in R; None while it is open or nobody knows.

    A trade counts as it was dealt: its profit over the money its size put at risk at the idea's
    stop, slippage and half sizes included. Without a trade it is what the market made of the idea.
    """
    if not one.traded:
        return one.followed_r
    at_risk = one.risk_money * one.traded / one.volume if one.volume else Decimal(0)
    if one.profit is None or not at_risk > 0:
        return None
    return quantize(one.profit / at_risk, _PLACES)
