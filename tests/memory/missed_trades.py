"""Trades that the venue does not show, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.account import Position
from engine.ports import Clock
from tests.memory.rows import View


@dataclass(frozen=True)
class GivenUp:
    """A trade whose end nobody knows."""

    last: Position

    @property
    def client_id(self) -> str | None:
        """The order it came from."""
        return self.last.client_id


class MemoryMissedTrades:
    """The port ``MissedTrades`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def look(self, account_id: str, shown: Collection[str]) -> None:
        for position_id in shown:
            await self._view.put("missed", position_id, None)
        for held in self._open(account_id):
            if held.id not in shown:
                looks, since = self._view.get("missed", held.id) or (0, self._clock())
                await self._view.put("missed", held.id, (looks + 1, since))

    async def vanished(self, account_id: str, *, looks: int, seconds: float) -> Sequence[Position]:
        before = self._clock() - timedelta(seconds=seconds)
        return [held for held in self._open(account_id) if self._was_missed(held, looks, before)]

    async def give_up(self, position_id: str) -> bool:
        await self._view.lock("position", position_id)
        held = self._view.get("position", position_id)
        if not isinstance(held, Position):
            return False
        await self._view.put("position", position_id, GivenUp(held))
        await self._view.put("missed", position_id, None)
        return True

    def _was_missed(self, held: Position, looks: int, before: datetime) -> bool:
        missed = self._view.get("missed", held.id)
        return missed is not None and missed[0] >= looks and missed[1] <= before

    def _open(self, account_id: str) -> list[Position]:
        ours = {o.client_id for o in self._view.all("order") if o.account_id == account_id}
        held = [p for p in self._view.all("position") if isinstance(p, Position)]
        return sorted((p for p in held if p.client_id in ours), key=lambda p: p.id)
