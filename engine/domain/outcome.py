"""What the market did after an idea, whether it was traded or not, and what is counted of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.domain.approval import Ending
from engine.domain.idea import Proposal


class Result(StrEnum):
    """How an idea ended in the market. UNKNOWN is one nobody can measure: its stop does not lie on
    the losing side, or its snapshot or candles are missing.
    """

    TARGET = "target"
    STOP = "stop"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An idea that is still open in the market.

    ``spread`` (in price) is the one it was made at, ``deadline`` the market time at which it is
    given up, ``seen`` when the last counted candle opened. The excursions are in R: how far the
    market went its way (zero or above) and against it (zero or below).
    """

    proposal: Proposal
    spread: Decimal
    deadline: datetime | None
    seen: datetime
    candles: int = 0
    favourable: Decimal = Decimal(0)
    adverse: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an idea ended: ``r`` in units of its risk (None when unknown), ``at`` the market time at
    which the candle closed that ended it.
    """

    result: Result
    r: Decimal | None
    at: datetime
    candles: int
    favourable: Decimal
    adverse: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """So many ideas of one kind: ``bucket`` is the score's tens, 0 to 9 (100 belongs to 9);
    ``result`` None are the ones still open, ``total_r`` the sum of their R.
    """

    bucket: int
    strategy: str
    symbol: str
    result: Result | None
    ideas: int
    total_r: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An idea people were asked about. ``followed_r`` is what the market made of it; ``risk_money``
    what ``volume``, the size on its card, put at risk. ``traded`` is the volume that became a
    trade, zero without one; ``profit`` is None while that trade is open.
    """

    ending: Ending
    followed_r: Decimal | None
    risk_money: Decimal
    volume: Decimal
    traded: Decimal
    profit: Decimal | None
