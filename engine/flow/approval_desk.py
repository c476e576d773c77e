"""The questions to people in one list, answered by an idea's id or number, and ended when due."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.domain.approval import Approval
from engine.domain.idea import Idea
from engine.domain.person import Role
from engine.flow.approvals import Choice, Decided, DecideIdea, ExpireIdeas
from engine.flow.change_answers import ExpireChanges
from engine.flow.people import person_at_least
from engine.ports import Store

#: The chat that is noted for an answer that came by none.
NO_CHAT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListApprovals:
    """Approvals, pending and past, newest first."""

    store: Store

    async def __call__(
        self, person_id: int, *, pending: bool | None, before: int | None, limit: int
    ) -> Sequence[tuple[Idea, Approval]]:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.ideas.asked(pending=pending, before=before, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerApproval:
    """Approve or reject by an idea's id, or by the number that people say; raises as
    :class:`DecideIdea` does.
    """

    store: Store
    decide_idea: DecideIdea

    async def __call__(self, person_id: int, wanted: UUID | int, choice: Choice) -> Decided:
        if isinstance(wanted, int):
            async with self.store.begin() as tx:
                await person_at_least(tx, person_id, Role.TRADER)
                wanted = (await tx.ideas.by_number(wanted)).id
        return await self.decide_idea(wanted, choice, person_id=person_id, chat_id=NO_CHAT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireNow:
    """End what nobody answered in time, without waiting for a worker's next look."""

    store: Store
    expire_ideas: ExpireIdeas
    expire_changes: ExpireChanges

    async def __call__(self, person_id: int) -> tuple[Sequence[UUID], Sequence[int]]:
        """The ideas that were past their time, of which somebody else may have ended some; and the
        proposals to change the configuration that this call ended.
        """
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
        return await self.expire_ideas(), await self.expire_changes()
