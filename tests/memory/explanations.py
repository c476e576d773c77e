"""What a language model said, and what it cost, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from engine.domain.analyst import Said
from engine.domain.explanation import Budget, Explanation, Spent
from engine.domain.idea import IdeaStatus
from engine.ports import Clock
from tests.memory.rows import View


class MemoryExplanations:
    """The port ``Explanations`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def due(self, since: datetime, limit: int) -> Sequence[UUID]:
        found = []
        for idea in sorted(self._view.all("idea"), key=lambda idea: -idea.number):
            put = self._view.get("approval", idea.id) or idea.status is IdeaStatus.AUTO_EXECUTED
            until = self._view.get("explanation_turn", idea.id)
            is_free = until is None or until <= self._clock()
            if put and is_free and idea.created_at > since:
                found.append(idea.id)
        return found[:limit]

    async def claim(self, idea_id: UUID, lease: timedelta) -> bool:
        await self._view.lock("explanation_turn", idea_id)
        until, now = self._view.get("explanation_turn", idea_id), self._clock()
        if until is not None and until > now:
            return False
        await self._view.put("explanation_turn", idea_id, now + lease)
        return True

    async def done(self, idea_id: UUID) -> bool:
        await self._view.lock("explanation_turn", idea_id)
        end = datetime.max.replace(tzinfo=self._clock().tzinfo)
        if self._view.get("explanation_turn", idea_id) == end:
            return False
        await self._view.put("explanation_turn", idea_id, end)
        return True

    async def add(self, explanation: Explanation) -> bool:
        key = (explanation.idea_id, explanation.language)
        return await self._view.insert("explanation", key, explanation)

    async def of_idea(self, idea_id: UUID) -> Sequence[Explanation]:
        found = [each for each in self._view.all("explanation") if each.idea_id == idea_id]
        return sorted(found, key=lambda each: each.language)


class MemoryBooks:
    """The port ``AnalystBooks`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def reserve(self, day: date, tokens: int, cost: Decimal, budget: Budget) -> bool:
        await self._view.lock("analyst_day", day)
        spent = await self.spent(day)
        more = replace(spent, tokens=spent.tokens + tokens, cost=spent.cost + cost)
        within = budget.tokens is None or more.tokens <= budget.tokens
        if not (within and (budget.cost is None or more.cost <= budget.cost)):
            return False
        await self._view.put("analyst_day", day, more)
        return True

    async def settle(self, day: date, tokens: int, cost: Decimal, *, answered: bool) -> None:
        await self._view.lock("analyst_day", day)
        spent = await self.spent(day)
        settled = replace(
            spent,
            tokens=max(0, spent.tokens + tokens),
            cost=max(Decimal(0), spent.cost + cost),
            answered=spent.answered + answered,
            failed=spent.failed + (not answered),
        )
        await self._view.put("analyst_day", day, settled)

    async def count(self, day: date, *, remembered: int = 0, unsupported: int = 0) -> None:
        await self._view.lock("analyst_day", day)
        spent = await self.spent(day)
        counted = replace(
            spent,
            remembered=spent.remembered + remembered,
            unsupported=spent.unsupported + unsupported,
        )
        await self._view.put("analyst_day", day, counted)

    async def spent(self, day: date) -> Spent:
        return self._view.get("analyst_day", day) or Spent(day=day)

    async def remembered(self, key: str) -> Said | None:
        kept = self._view.get("analyst_answer", key)
        return None if kept is None else kept[0]

    async def remember(self, key: str, said: Said) -> None:
        await self._view.insert("analyst_answer", key, (said, self._clock(), key))

    async def forget(self, before: datetime) -> int:
        old = [key for _, at, key in filter(None, self._view.all("analyst_answer")) if at < before]
        for key in old:
            await self._view.put("analyst_answer", key, None)
        return len(old)
