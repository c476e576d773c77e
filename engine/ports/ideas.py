"""Ideas, and the questions to people about them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from engine.domain.approval import Approval
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.snapshot import PastIdea


class Ideas(Protocol):
    """Ideas and the approvals asked for them."""

    async def add(self, idea: Idea) -> Idea:
        """Store a new idea; the answer carries its number."""
        ...

    async def get(self, idea_id: UUID) -> Idea:
        """One idea; raises ``NotFound``."""
        ...

    async def by_number(self, number: int) -> Idea:
        """One idea by the number people say; raises ``NotFound``."""
        ...

    async def list(self, *, status: IdeaStatus | None, limit: int) -> Sequence[Idea]:
        """Newest first."""
        ...

    async def swap(self, before: Idea, after: Idea) -> bool:
        """Save a status if the stored one is still ``before``'s; False when someone was first."""
        ...

    async def ask(self, approval: Approval) -> None:
        """Store a pending approval."""
        ...

    async def approval(self, idea_id: UUID) -> Approval | None:
        """The approval of an idea, if one was asked for."""
        ...

    async def end(self, approval: Approval, *, expired: bool = False) -> bool:
        """Close a pending approval by the database's clock.

        True for exactly one caller. Unless ``expired``, it must not be past its expiry; if
        ``expired``, it must be.
        """
        ...

    async def overdue(self) -> Sequence[UUID]:
        """Ideas whose pending approval is past its expiry by the database's clock."""
        ...

    async def pending(self) -> Sequence[UUID]:
        """Ideas waiting for a person, oldest first."""
        ...

    async def asked(
        self, *, pending: bool | None = None, before: int | None = None, limit: int
    ) -> Sequence[tuple[Idea, Approval]]:
        """Ideas that were put to people, with their approvals, newest first; ``before`` an idea's
        number is the next page.
        """
        ...

    async def recent(self, after: datetime, until: datetime) -> tuple[PastIdea, ...]:
        """Ideas that were put to a person or executed, by market time, oldest first."""
        ...
