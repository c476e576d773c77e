"""The registry of models and the queue of trainings, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

from engine.domain.market import Timeframe
from engine.domain.model import (
    Approved,
    Model,
    ModelStatus,
    Report,
    Training,
    TrainingState,
    Wish,
)
from engine.errors import IllegalMove
from engine.ports import Clock
from tests.memory.rows import View

_MODEL, _BODY, _TRAINING, _LEASE = "model", "model body", "training", "training lease"


class MemoryModels:
    """The port ``Models`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def add(self, report: Report, body: bytes, hash_: str, by: str) -> Model:
        wish = report.wish
        others = await self.list(symbol=wish.symbol, timeframe=wish.timeframe, limit=10**9)
        model = Model(
            id=next(self._numbers), version=max((m.version for m in others), default=0) + 1,
            status=ModelStatus.CANDIDATE, hash=hash_, report=report, trained_by=by[:80],
            trained_at=self._clock(),
        )  # fmt: skip
        await self._view.insert(_MODEL, model.id, model)
        await self._view.insert(_BODY, model.id, body)
        return model

    async def get(self, id_: int) -> Model | None:
        found: Model | None = self._view.get(_MODEL, id_)
        return found

    async def list(
        self,
        *,
        symbol: str | None = None,
        timeframe: Timeframe | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Model]:
        found = [
            m for m in self._view.all(_MODEL)
            if symbol in (None, m.symbol) and timeframe in (None, m.timeframe)
            and (before is None or m.id < before)
        ]  # fmt: skip
        return sorted(found, key=lambda m: -m.id)[:limit]

    async def body(self, id_: int) -> bytes | None:
        found: bytes | None = self._view.get(_BODY, id_)
        return found

    async def approved(self) -> Mapping[tuple[str, Timeframe], Approved]:
        return {
            (m.symbol, m.timeframe): Approved(m.id, m.name, m.hash, m.report.wish.horizon)
            for m in self._view.all(_MODEL)
            if m.status is ModelStatus.APPROVED
        }

    async def move(self, model: Model, to: ModelStatus, by: str) -> Model | None:
        await self._view.lock(_MODEL, model.id)
        known = await self.get(model.id)
        if known is None or known.status is not model.status:
            return None
        stream = (model.symbol, model.timeframe)
        if to is ModelStatus.APPROVED and stream in await self.approved():
            raise IllegalMove(f"another model of {model.symbol} is approved")
        moved = replace(known, status=to, decided_by=by[:80], decided_at=self._clock())
        await self._view.put(_MODEL, model.id, moved)
        return moved


class MemoryTrainings:
    """The port ``Trainings`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def add(self, wish: Wish, by: str, person_id: int | None) -> tuple[Training, bool]:
        await self._view.lock(_TRAINING, (wish.symbol, wish.timeframe))
        for known in await self.list(10**9):
            same = (known.wish.symbol, known.wish.timeframe) == (wish.symbol, wish.timeframe)
            if same and known.state.is_open:
                return known, False
        training = Training(
            id=next(self._numbers), wish=wish, state=TrainingState.QUEUED, by=by[:80],
            person_id=person_id, created_at=self._clock(),
        )  # fmt: skip
        await self._view.insert(_TRAINING, training.id, training)
        return training, True

    async def get(self, id_: int) -> Training | None:
        found: Training | None = self._view.get(_TRAINING, id_)
        return found

    async def list(self, limit: int) -> Sequence[Training]:
        return sorted(self._view.all(_TRAINING), key=lambda t: -t.id)[:limit]

    async def claim(self, lease: timedelta, *, id_: int | None = None) -> Training | None:
        now = self._clock()
        for training in reversed(await self.list(10**9)):
            if id_ not in (None, training.id) or not training.state.is_open:
                continue
            if self._view.is_held(_TRAINING, training.id):
                continue
            until = self._view.get(_LEASE, training.id)
            if training.state is TrainingState.RUNNING and until is not None and until > now:
                continue
            claimed = replace(
                training, state=TrainingState.RUNNING, claim=training.claim + 1,
                attempts=training.attempts + 1, percent=0,
            )  # fmt: skip
            await self._view.put(_TRAINING, training.id, claimed)
            await self._view.put(_LEASE, training.id, now + lease)
            return claimed
        return None

    async def beat(self, training: Training, percent: int, lease: timedelta) -> bool:
        known = await self._mine(training)
        if known is None:
            return False
        await self._view.put(_TRAINING, training.id, replace(known, percent=percent))
        await self._view.put(_LEASE, training.id, self._clock() + lease)
        return True

    async def cancel(self, id_: int) -> bool:
        await self._view.lock(_TRAINING, id_)
        known = await self.get(id_)
        if known is None or not known.state.is_open:
            return False
        ended = replace(known, state=TrainingState.CANCELLED, finished_at=self._clock())
        await self._view.put(_TRAINING, id_, ended)
        return True

    async def finish(
        self,
        training: Training,
        state: TrainingState,
        *,
        model_id: int | None = None,
        reason: str | None = None,
    ) -> bool:
        known = await self._mine(training)
        if known is None:
            return False
        percent = 100 if state is TrainingState.DONE else known.percent
        ended = replace(
            known, state=state, model_id=model_id, percent=percent,
            reason=None if reason is None else reason[:500], finished_at=self._clock(),
        )  # fmt: skip
        await self._view.put(_TRAINING, training.id, ended)
        return True

    async def _mine(self, training: Training) -> Training | None:
        await self._view.lock(_TRAINING, training.id)
        known = await self.get(training.id)
        if known is None or known.state is not TrainingState.RUNNING:
            return None
        return known if known.claim == training.claim else None
