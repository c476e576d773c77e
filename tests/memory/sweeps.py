"""Sweeps in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from engine.domain.sweep import Shard, ShardFigures, ShardState, Sweep
from engine.errors import NotFound
from engine.ports import Clock
from tests.memory.rows import View

_SWEEPS, _SHARDS, _LEASES = "sweep", "sweep shard", "sweep lease"
_OPEN = (ShardState.WAITING, ShardState.RUNNING)


class MemorySweeps:
    """The port ``Sweeps`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def add(self, id_: UUID, title: str, source: str, shards: Sequence[Shard]) -> bool:
        kept = (title, source, self._clock(), False, None, None)
        if not await self._view.insert(_SWEEPS, id_, kept):
            return False
        for shard in shards:
            await self._view.insert(_SHARDS, (id_, shard.number), shard)
        return True

    async def want(self, id_: UUID, person_id: int | None, message_id: int | None) -> None:
        *facts, _, person, message = self._view.get(_SWEEPS, id_)
        kept = (*facts, False, person_id or person, message_id or message)
        await self._view.put(_SWEEPS, id_, kept)

    async def get(self, id_: UUID) -> Sweep:
        kept = self._view.get(_SWEEPS, id_)
        if kept is None:
            raise NotFound(f"there is no sweep {id_}")
        title, source, created_at, cancelled, person_id, message_id = kept
        states = [shard.state for shard in await self.shards(id_)]
        return Sweep(
            id=id_, title=title, source=source, created_at=created_at, cancelled=cancelled,
            total=len(states), done=states.count(ShardState.DONE),
            failed=states.count(ShardState.FAILED), person_id=person_id, message_id=message_id,
        )  # fmt: skip

    async def last(self, limit: int) -> Sequence[Sweep]:
        ids = {shard.sweep_id for shard in self._view.all(_SHARDS)}
        found = [await self.get(id_) for id_ in ids]
        return sorted(found, key=lambda sweep: sweep.created_at, reverse=True)[:limit]

    async def shards(self, id_: UUID) -> Sequence[Shard]:
        found = [shard for shard in self._view.all(_SHARDS) if shard.sweep_id == id_]
        return sorted(found, key=lambda shard: shard.number)

    async def take(self, lease: timedelta, *, of: UUID | None = None) -> Shard | None:
        now = self._clock()
        for shard in sorted(self._view.all(_SHARDS), key=lambda s: (str(s.sweep_id), s.number)):
            name = (shard.sweep_id, shard.number)
            if of not in (None, shard.sweep_id) or self._view.is_held(_SHARDS, name):
                continue
            if self._view.get(_SWEEPS, shard.sweep_id)[3] or not self._is_free(shard, now):
                continue
            taken = replace(shard, state=ShardState.RUNNING, claim=shard.claim + 1)
            await self._view.put(_SHARDS, name, taken)
            await self._view.put(_LEASES, name, now + lease)
            return taken
        return None

    def _is_free(self, shard: Shard, now: datetime) -> bool:
        if shard.state is ShardState.WAITING:
            return True
        until = self._view.get(_LEASES, (shard.sweep_id, shard.number))
        return shard.state is ShardState.RUNNING and until is not None and until <= now

    async def renew(self, shard: Shard, lease: timedelta) -> bool:
        if not self._is_mine(shard) or self._view.get(_SWEEPS, shard.sweep_id)[3]:
            return False
        await self._view.put(_LEASES, (shard.sweep_id, shard.number), self._clock() + lease)
        return True

    def _is_mine(self, shard: Shard) -> bool:
        kept: Shard | None = self._view.get(_SHARDS, (shard.sweep_id, shard.number))
        same = kept is not None and kept.claim == shard.claim
        return same and kept is not None and kept.state is ShardState.RUNNING

    async def finish(
        self, shard: Shard, figures: ShardFigures | None, problem: str | None = None
    ) -> bool:
        if not self._is_mine(shard):
            return False
        state = ShardState.FAILED if figures is None else ShardState.DONE
        ended = replace(shard, state=state, figures=figures, problem=problem)
        await self._view.put(_SHARDS, (shard.sweep_id, shard.number), ended)
        return True

    async def cancel(self, id_: UUID) -> bool:
        kept = self._view.get(_SWEEPS, id_)
        is_open = any(shard.state in _OPEN for shard in await self.shards(id_))
        if kept is None or kept[3] or not is_open:
            return False
        await self._view.put(_SWEEPS, id_, (*kept[:3], True, *kept[4:]))
        return True
