"""A person's decision on an idea, and everything recorded about it."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from engine.domain.idea import Proposal
from engine.errors import IllegalMove


class Ending(StrEnum):
    """How an approval stands; each ending has its own words in the chat."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PRICE_MOVED = "price_moved"
    GATE_CLOSED = "gate_closed"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The durable record of one question to people. Prices are quotes at proposal and at tap;
    ``drift_r`` is how far the price went against the entry, in units of the idea's risk.
    """

    idea_id: UUID
    ending: Ending
    expires_at: datetime
    proposed_price: Decimal
    proposed_spread: Decimal
    decided_by: int | None = None
    decided_name: str | None = None
    decided_chat: int | None = None
    decided_at: datetime | None = None
    tap_price: Decimal | None = None
    tap_spread: Decimal | None = None
    drift_r: Decimal | None = None
    volume: Decimal | None = None
    detail: str | None = None

    def seen_at(self, proposal: Proposal, price: Decimal, spread: Decimal) -> "Approval":
        """The record with the market at the tap."""
        drift = proposal.direction.sign * (price - proposal.entry)
        moved = (drift / proposal.risk).quantize(Decimal("0.001")) if proposal.risk else Decimal(0)
        return replace(self, tap_price=price, tap_spread=spread, drift_r=moved)

    def end(self, ending: Ending, *, at: datetime, detail: str | None = None) -> "Approval":
        """The record closed; a second ending raises :class:`IllegalMove`."""
        if self.ending is not Ending.PENDING or ending is Ending.PENDING:
            raise IllegalMove(f"this idea was answered already: {self.ending}", ending=self.ending)
        return replace(self, ending=ending, decided_at=at, detail=detail)
