"""A trade idea: what a strategy proposes, how sure it is, and what became of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.errors import IllegalMove


class IdeaStatus(StrEnum):
    """Source 004's statuses, and the two endings a person brings about."""

    WAITING = "waiting"
    NEEDS_APPROVAL = "needs_approval"
    AUTO_EXECUTED = "auto_executed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    HALTED_BY_RISK = "halted_by_risk"


_MOVES: dict[IdeaStatus, frozenset[IdeaStatus]] = {
    IdeaStatus.WAITING: frozenset(
        (
            IdeaStatus.NEEDS_APPROVAL,
            IdeaStatus.AUTO_EXECUTED,
            IdeaStatus.REJECTED,
            IdeaStatus.HALTED_BY_RISK,
        )
    ),
    IdeaStatus.NEEDS_APPROVAL: frozenset(
        (
            IdeaStatus.APPROVED,
            IdeaStatus.REJECTED,
            IdeaStatus.EXPIRED,
            IdeaStatus.HALTED_BY_RISK,
        )
    ),
}


@dataclass(frozen=True, slots=True)
class Observation:
    """One condition of a strategy: what was asked, what was seen, whether it held."""

    name: str
    argument: str
    observed: str
    met: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A named bonus or penalty of the confidence."""

    name: str
    points: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """Source 004 §14.1: three parts, 0–50, 0–25 and 0–25, and how each came about."""

    strategy_match: Decimal
    market_risk: Decimal
    account_comfort: Decimal
    adjustments: tuple[Adjustment, ...]

    @property
    def score(self) -> Decimal:
        """The sum, at most 100."""
        return min(Decimal(100), self.strategy_match + self.market_risk + self.account_comfort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a strategy would do, before size and score."""

    symbol: str
    timeframe: Timeframe
    direction: Direction
    entry: Decimal
    stop_loss: Decimal
    take_profit: tuple[Decimal, ...]
    time_limit_min: int | None = None

    @property
    def risk(self) -> Decimal:
        """Distance from entry to stop, in price; the unit called R."""
        return abs(self.entry - self.stop_loss)

    @property
    def reward_ratio(self) -> Decimal:
        """Distance to the first target in units of R; zero without a stop distance."""
        return abs(self.take_profit[0] - self.entry) / self.risk if self.risk else Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A strategy's answer to a bundle: a proposal, or None and the conditions that say why not."""

    strategy_id: UUID
    strategy_version: int
    observations: tuple[Observation, ...]
    proposal: Proposal | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """The size and what it puts at risk, in account currency and percent of equity.

    ``limited_by`` names the cap that made it smaller than the risk budget allows.
    """

    volume: Decimal
    risk_money: Decimal
    risk_percent: Decimal
    margin: Decimal
    limited_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """A proposal with its size, its score and its life. ``number`` is the one people say;
    ``market_time`` is the market's instant it was made at, ``created_at`` the wall's.
    """

    id: UUID
    number: int
    proposal: Proposal
    sizing: Sizing
    confidence: Confidence
    strategy_id: UUID
    strategy_version: int
    strategy_name: str
    bundle_hash: str
    status: IdeaStatus
    market_time: datetime
    created_at: datetime

    def move(self, status: IdeaStatus) -> "Idea":
        """The idea in its next status; an illegal move raises :class:`IllegalMove`."""
        if status not in _MOVES.get(self.status, frozenset()):
            raise IllegalMove(
                f"idea {self.number} is {self.status} and cannot become {status}",
                status=self.status, wanted=status,
            )  # fmt: skip
        return replace(self, status=status)
