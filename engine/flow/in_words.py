"""A person wants an idea in words that has none, because nothing answered when it was made, or
nothing was connected. Only the wish is written; whoever explains ideas finds it.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from engine.domain.explanation import Fate
from engine.domain.idea import IdeaStatus
from engine.domain.person import Role
from engine.flow.people import person_at_least
from engine.ports import Bell, Store

#: After an attempt that failed, so long nobody makes another one happen: each may cost money.
PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantInWords:
    """Ask for an idea in words once more, however old it is. False where there is nothing to ask
    for: it is there in the person's language, is being asked for, or was a moment ago.
    """

    store: Store
    bell: Bell
    patience: timedelta = PATIENCE

    async def __call__(self, person_id: int, idea_id: UUID) -> bool:
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.VIEWER)
            idea = await tx.ideas.get(idea_id)
            is_put = idea.status is IdeaStatus.AUTO_EXECUTED
            if not is_put and await tx.ideas.approval(idea_id) is None:
                return False
            said = {each.language: each for each in await tx.explanations.of_idea(idea_id)}
            last = said.get(person.language)
            if last is not None:
                is_lost = last.fate is Fate.UNAVAILABLE
                if not is_lost or await tx.now() < last.at + self.patience:
                    return False
            if not await tx.explanations.reopen(idea_id):
                return False
        await self.bell.ring("explain_ideas")
        return True
