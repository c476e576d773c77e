"""Model signals in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from engine.domain.signal import Ack, QueuedSignal, Signal, SignalState, StateCount
from engine.ports import Clock
from tests.memory.rows import View

_TABLE, _ACKS = "signals_queue", "signals_ack"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A signal, and what only the queue itself needs to know of it."""

    queued: QueuedSignal
    not_before: datetime
    leased_until: datetime | None = None

    @property
    def symbol(self) -> str:
        return self.queued.signal.symbol

    @property
    def born(self) -> datetime:
        return min(self.queued.signal.timestamp, self.queued.created_at)

    def is_held(self, now: datetime) -> bool:
        return self.leased_until is not None and self.leased_until > now


class MemorySignalQueue:
    """The port ``SignalQueue`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def put(self, signal: Signal) -> bool:
        now = self._clock()
        queued = QueuedSignal(
            signal=signal, seq=next(self._numbers), state=SignalState.PENDING, attempts=0,
            created_at=now,
        )  # fmt: skip
        return await self._view.insert(_TABLE, signal.signal_id, _Kept(queued, now))

    async def get(self, signal_id: UUID) -> QueuedSignal | None:
        kept = self._view.get(_TABLE, signal_id)
        return None if kept is None else kept.queued

    async def ack(self, signal_id: UUID) -> Ack | None:
        ack: Ack | None = self._view.get(_ACKS, signal_id)
        return ack

    async def claim(self, limit: int, lease: timedelta) -> tuple[QueuedSignal, ...]:
        await self._alone()
        now, claim = self._clock(), UUID(int=next(self._numbers))
        waiting: set[str] = set()
        found = []
        for kept in self._pending():
            if kept.is_held(now) or kept.not_before > now:
                waiting.add(kept.symbol)
            elif kept.symbol not in waiting and len(found) < limit:
                found.append(await self._save(kept, claim=claim, leased_until=now + lease))
        return tuple(found)

    async def begin(
        self, claimed: QueuedSignal, *, lease: timedelta, life: timedelta
    ) -> QueuedSignal | None:
        await self._alone()
        now = self._clock()
        for kept in self._pending():
            if claimed.claim is not None and kept.queued.claim == claimed.claim:
                await self._save(kept, leased_until=now + lease)
        mine = await self._mine(claimed)
        if mine is None or not mine.born > now - life:
            return None
        return await self._save(mine, attempts=mine.queued.attempts + 1)

    async def sent(self, signal_id: UUID, ticket: int | None) -> bool:
        await self._alone()
        kept = self._view.get(_TABLE, signal_id)
        if kept is None or kept.queued.state is SignalState.SENT:
            return False
        await self._save(kept, state=SignalState.SENT, reason=None, claim=None, leased_until=None)
        ack = Ack(signal_id=signal_id, ticket=ticket, acked_at=self._clock())
        return await self._view.insert(_ACKS, signal_id, ack)

    async def failed(self, claimed: QueuedSignal, reason: str) -> bool:
        return await self._end_claim(claimed, reason=reason[:500], state=SignalState.FAILED)

    async def later(self, claimed: QueuedSignal, reason: str, pause: timedelta) -> bool:
        until = self._clock() + pause
        return await self._end_claim(claimed, reason=reason[:500], not_before=until)

    async def _end_claim(self, claimed: QueuedSignal, **changes: Any) -> bool:
        await self._alone()
        mine = await self._mine(claimed)
        if mine is None:
            return False
        await self._save(mine, claim=None, leased_until=None, **changes)
        return True

    async def release(self, claim: UUID) -> None:
        await self._alone()
        for kept in self._pending():
            if kept.queued.claim == claim:
                await self._save(kept, claim=None, leased_until=None)

    async def expire(self, life: timedelta, why: str) -> int:
        await self._alone()
        now = self._clock()
        old = [k for k in self._pending() if not k.is_held(now) and k.born <= now - life]
        for kept in old:
            reason = "; ".join(part for part in (why, kept.queued.reason) if part)[:500]
            await self._save(
                kept, state=SignalState.EXPIRED, reason=reason, claim=None, leased_until=None
            )
        return len(old)

    async def states(self, window: timedelta) -> Mapping[SignalState, StateCount]:
        since = self._clock() - window
        found: dict[SignalState, StateCount] = {}
        for queued in self._all():
            if queued.created_at > since:
                before = found.get(queued.state)
                found[queued.state] = StateCount(1 + (before.count if before else 0),
                                                 queued.created_at)  # fmt: skip
        return found

    async def totals(self) -> Mapping[SignalState, int]:
        return Counter(queued.state for queued in self._all())

    async def recent(self, state: SignalState, limit: int) -> Sequence[QueuedSignal]:
        return [queued for queued in self._all()[::-1] if queued.state is state][:limit]

    def _all(self) -> list[QueuedSignal]:
        return sorted((k.queued for k in self._view.all(_TABLE)), key=lambda q: q.seq)

    def _pending(self) -> list[_Kept]:
        rows = [k for k in self._view.all(_TABLE) if k.queued.state is SignalState.PENDING]
        return sorted(rows, key=lambda kept: kept.queued.seq)

    async def _mine(self, claimed: QueuedSignal) -> _Kept | None:
        kept: _Kept | None = self._view.get(_TABLE, claimed.signal.signal_id)
        if kept is None or claimed.claim is None or kept.queued.claim != claimed.claim:
            return None
        return kept

    async def _save(self, kept: _Kept, **changes: Any) -> QueuedSignal:
        own = {name: changes.pop(name) for name in ("not_before", "leased_until")
               if name in changes}  # fmt: skip
        after = replace(kept, queued=replace(kept.queued, **changes), **own)
        await self._view.put(_TABLE, kept.queued.signal.signal_id, after)
        return after.queued

    async def _alone(self) -> None:
        await self._view.lock("lock", "signals")
