"""What a language model said, what it cost, and what it need not be asked again."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from engine.domain.analyst import Said
from engine.domain.explanation import Budget, Explanation, Spent


class Explanations(Protocol):
    """Explanations of ideas; append-only. An idea has one attempt at a time."""

    async def due(self, since: datetime, limit: int) -> Sequence[UUID]:
        """Ideas that people were asked about, or that were executed, which nobody explains or has
        explained, and whose next attempt is not still to come: those made after an instant, and
        those that a person wants explained, however old. What is wanted first, then the newest.
        """
        ...

    async def claim(self, idea_id: UUID, lease: timedelta) -> int | None:
        """Explain an idea from now on: the number of the attempt, from 1; None while somebody else
        does, or when it was done.
        """
        ...

    async def done(self, idea_id: UUID, attempt: int) -> bool:
        """It is explained as far as it will be; False when that attempt is no longer the last, or
        it was done.
        """
        ...

    async def later(self, idea_id: UUID, attempt: int, pause: timedelta) -> bool:
        """Somebody may try again, but not before a pause is over; False as above."""
        ...

    async def reopen(self, idea_id: UUID) -> bool:
        """A person wants it explained: it is due at once, once more. False while somebody explains
        it.
        """
        ...

    async def add(self, explanation: Explanation) -> bool:
        """Keep one; False when there is one of that idea, in that language, of that attempt."""
        ...

    async def of_idea(self, idea_id: UUID) -> Sequence[Explanation]:
        """The last of an idea in each language, by language."""
        ...


class AnalystBooks(Protocol):
    """What the language model costs by day, and its answers to questions that may come again."""

    async def reserve(self, day: date, tokens: int, cost: Decimal, budget: Budget) -> bool:
        """Put so much aside; False, and nothing is put aside, when the day has not so much left.
        Of many at once none goes over.
        """
        ...

    async def settle(self, day: date, tokens: int, cost: Decimal, *, answered: bool) -> None:
        """A call is over: add (or, below zero, give back) what it cost beyond what was put aside,
        and count it.
        """
        ...

    async def count(self, day: date, *, remembered: int = 0, unsupported: int = 0) -> None:
        """Count what costs nothing."""
        ...

    async def spent(self, day: date) -> Spent:
        """A day as it stands."""
        ...

    async def remembered(self, key: str) -> Said | None:
        """The answer that was kept under a key."""
        ...

    async def remember(self, key: str, said: Said) -> None:
        """Keep an answer; of several the first stays."""
        ...

    async def forget(self, before: datetime) -> int:
        """Remove answers that were kept before an instant; how many there were."""
        ...
