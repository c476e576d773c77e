"""What a language model said, and what it cost, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from engine.domain.analyst import Said
from engine.domain.explanation import Budget, Explanation, Spent
from engine.domain.idea import IdeaStatus
from engine.ports import Clock
from tests.memory.rows import View


@dataclass(frozen=True)
class Turn:
    """Who explains an idea until when, how often it was tried, and when it is tried next."""

    until: datetime
    tries: int = 0
    next_at: datetime | None = None
    is_done: bool = False
    is_wanted: bool = False

    def is_free(self, now: datetime) -> bool:
        return (
            not self.is_done and self.until <= now and (self.next_at is None or self.next_at <= now)
        )


class MemoryExplanations:
    """The port ``Explanations`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def due(self, since: datetime, limit: int) -> Sequence[UUID]:
        found = []
        for idea in self._view.all("idea"):
            put = self._view.get("approval", idea.id) or idea.status is IdeaStatus.AUTO_EXECUTED
            turn = self._view.get("explanation_turn", idea.id) or Turn(until=idea.created_at)
            if put and turn.is_free(self._clock()) and (idea.created_at > since or turn.is_wanted):
                found.append((not turn.is_wanted, -idea.number, idea.id))
        return [idea_id for _, _, idea_id in sorted(found)][:limit]

    async def claim(self, idea_id: UUID, lease: timedelta) -> int | None:
        await self._view.lock("explanation_turn", idea_id)
        now = self._clock()
        turn = self._view.get("explanation_turn", idea_id) or Turn(until=now)
        if not turn.is_free(now):
            return None
        await self._put(idea_id, replace(turn, until=now + lease, tries=turn.tries + 1))
        return turn.tries + 1

    async def done(self, idea_id: UUID, attempt: int) -> bool:
        turn = await self._last(idea_id, attempt)
        if turn is not None:
            await self._put(idea_id, replace(turn, is_done=True, is_wanted=False))
        return turn is not None

    async def later(self, idea_id: UUID, attempt: int, pause: timedelta) -> bool:
        turn, now = await self._last(idea_id, attempt), self._clock()
        if turn is not None:
            await self._put(idea_id, replace(turn, until=now, next_at=now + pause, is_wanted=False))
        return turn is not None

    async def reopen(self, idea_id: UUID) -> bool:
        await self._view.lock("explanation_turn", idea_id)
        now = self._clock()
        turn = self._view.get("explanation_turn", idea_id) or Turn(until=now)
        if not turn.is_done and turn.until > now:
            return False
        await self._put(
            idea_id, replace(turn, until=now, is_done=False, is_wanted=True, next_at=None)
        )
        return True

    async def _last(self, idea_id: UUID, attempt: int) -> Turn | None:
        await self._view.lock("explanation_turn", idea_id)
        turn = self._view.get("explanation_turn", idea_id)
        return turn if turn and turn.tries == attempt and not turn.is_done else None

    async def _put(self, idea_id: UUID, turn: Turn) -> None:
        await self._view.put("explanation_turn", idea_id, turn)

    async def add(self, explanation: Explanation) -> bool:
        key = (explanation.idea_id, explanation.language, explanation.attempt)
        return await self._view.insert("explanation", key, explanation)

    async def of_idea(self, idea_id: UUID) -> Sequence[Explanation]:
        found = [each for each in self._view.all("explanation") if each.idea_id == idea_id]
        last = {each.language: each for each in sorted(found, key=lambda each: each.attempt)}
        return [last[language] for language in sorted(last)]


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
