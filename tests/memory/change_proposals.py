"""Proposals to change the configuration, in memory."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count

from engine.domain.change_proposal import ChangeDraft, ChangeProposal, ProposalState
from engine.ports import Clock
from tests.memory.rows import View

_TABLE, _WAITS = "change proposal", "change proposal that waits"


class MemoryChangeProposals:
    """The port ``ChangeProposals`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def add(
        self, draft: ChangeDraft, mark: str, life: timedelta, *, stops: bool
    ) -> ChangeProposal | None:
        await self._view.lock(_WAITS, draft.subject.text)
        if any(one.draft.subject.text == draft.subject.text for one in await self.pending()):
            return None
        now = self._clock()
        made = ChangeProposal(
            id=next(self._numbers), draft=draft, mark=mark, state=ProposalState.PENDING,
            created_at=now, expires_at=now + life, stops=stops,
        )  # fmt: skip
        await self._view.insert(_TABLE, made.id, made)
        return made

    async def get(self, id_: int) -> ChangeProposal | None:
        found: ChangeProposal | None = self._view.get(_TABLE, id_)
        return found

    async def take(self, id_: int) -> ChangeProposal | None:
        await self._view.lock(_TABLE, id_)
        return await self.get(id_)

    async def save(self, proposal: ChangeProposal) -> None:
        await self._view.put(_TABLE, proposal.id, proposal)

    async def pending(self) -> Sequence[ChangeProposal]:
        return [one for one in self._all() if one.is_pending]

    async def list(
        self, *, pending: bool | None = None, before: int | None = None, limit: int
    ) -> Sequence[ChangeProposal]:
        found = [
            one
            for one in self._all()
            if pending in (None, one.is_pending) and (before is None or one.id < before)
        ]
        return found[::-1][:limit]

    async def last_of(self, mark: str) -> ChangeProposal | None:
        found = [one for one in self._all() if one.mark == mark]
        return found[-1] if found else None

    def _all(self) -> Sequence[ChangeProposal]:
        return sorted(self._view.all(_TABLE), key=lambda one: one.id)
