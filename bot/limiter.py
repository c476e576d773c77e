"""Telegram's flood limits: so many messages a second in all, and one a second in a chat.

The library's own limiter keeps its figures in memory and waits after a message is marked as under
way; this one asks the database before. Edits and pins count like messages.
"""

import asyncio
from dataclasses import dataclass, field
from time import monotonic

from storage.budget import OVERALL, Pace, PostgresBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What Telegram's FAQ names: 30 a second in all, after a burst of two; and just below it, 1 a
    second in a chat with short bursts, 20 a minute in a group: there the burst and what follows it
    stay within those together, in every second and every minute.
    """

    overall: Pace = field(default_factory=lambda: Pace(30.0, 2))
    chat: Pace = field(default_factory=lambda: Pace(0.95, 3))
    group: Pace = field(default_factory=lambda: Pace(17 / 60, 3))

    def of(self, chat_id: int) -> Pace:
        """The pace of a chat; those of groups have negative ids."""
        return self.group if chat_id < 0 else self.chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Limiter:
    """Waits for room, in every process alike."""

    budget: PostgresBudget = field(default_factory=PostgresBudget)
    limits: Limits = field(default_factory=Limits)

    async def take(self, chat_id: int, *, patience: float = 5.0) -> bool:
        """Wait until one message may go to a chat, and take its room; False when that would take
        longer than ``patience`` seconds.
        """
        ends = monotonic() + patience
        while True:
            wait = await self.budget.take(chat_id, self.limits.overall, self.limits.of(chat_id))
            if wait <= 0:
                return True
            if monotonic() + wait > ends:
                return False
            await asyncio.sleep(wait)

    async def refused(self, chat_id: int, seconds: float) -> None:
        """Telegram asked for a pause."""
        await self.budget.refused(chat_id, seconds)

    async def hold(self, seconds: float, *, chat_id: int | None = None) -> None:
        """Leave one chat alone for so long, or all."""
        await self.budget.hold(OVERALL if chat_id is None else chat_id, seconds)
