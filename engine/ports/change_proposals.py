"""Where proposals to change the configuration wait for an answer."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from engine.domain.change_proposal import ChangeDraft, ChangeProposal


class ChangeProposals(Protocol):
    """Proposals, each with one end."""

    async def add(
        self, draft: ChangeDraft, mark: str, life: timedelta, *, stops: bool
    ) -> ChangeProposal | None:
        """Store one that waits for so long by the database's clock; None while another of the same
        subject waits.
        """
        ...

    async def get(self, id_: int) -> ChangeProposal | None:
        """One proposal."""
        ...

    async def take(self, id_: int) -> ChangeProposal | None:
        """One proposal, locked to the end of the transaction. Whoever also needs the trading state
        takes that first.
        """
        ...

    async def save(self, proposal: ChangeProposal) -> None:
        """Store how one that was taken ended."""
        ...

    async def pending(self) -> Sequence[ChangeProposal]:
        """Those that wait, the oldest first."""
        ...

    async def list(
        self, *, pending: bool | None = None, before: int | None = None, limit: int
    ) -> Sequence[ChangeProposal]:
        """Newest first; ``before`` a number is the next page."""
        ...

    async def last_of(self, mark: str) -> ChangeProposal | None:
        """The newest of these very changes."""
        ...
