"""The operator's commands, in memory."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import count

from engine.domain.operator_command import (
    IN_ORDER,
    CommandDraft,
    CommandStatus,
    CommandType,
    OperatorCommand,
)
from engine.ports import Clock
from tests.memory.rows import View

_TABLE, _KEYS = "operator command", "operator command key"


class MemoryOperatorCommands:
    """The port ``OperatorCommands`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def add(self, draft: CommandDraft) -> tuple[OperatorCommand, bool]:
        fields = {**asdict(draft), "payload": draft.payload}
        command = OperatorCommand(**fields, id=next(self._numbers), created_at=self._clock())
        key = draft.idempotency_key
        if key is not None and not await self._view.insert(_KEYS, key, command.id):
            return self._view.get(_TABLE, self._view.get(_KEYS, key)), False
        await self._view.insert(_TABLE, command.id, command)
        return command, True

    async def get(self, id_: int) -> OperatorCommand | None:
        found: OperatorCommand | None = self._view.get(_TABLE, id_)
        return found

    async def latest(
        self, *, status: CommandStatus | None = None, limit: int
    ) -> Sequence[OperatorCommand]:
        found = [c for c in self._all() if status is None or c.status is status]
        return found[::-1][:limit]

    async def claim(self, worker: str, lease: timedelta) -> OperatorCommand | None:
        now = self._clock()
        for command in self._all():
            if not self._is_free(command, now) or self._view.is_held(_TABLE, command.id):
                continue
            claimed = replace(
                command, status=CommandStatus.RUNNING, claimed_by=worker,
                claim=command.claim + 1, attempts=command.attempts + 1,
                claimed_at=command.claimed_at or now, lease_until=now + lease,
            )  # fmt: skip
            await self._view.put(_TABLE, command.id, claimed)
            return claimed
        return None

    def _is_free(self, command: OperatorCommand, now: datetime) -> bool:
        if command.status is CommandStatus.RUNNING:
            assert command.lease_until is not None
            if command.lease_until > now:
                return False
        elif command.status is not CommandStatus.PENDING:
            return False
        return command.type not in IN_ORDER or not any(
            other.id < command.id and other.type in IN_ORDER and not other.status.is_over
            for other in self._all()
        )

    async def take(self, id_: int) -> OperatorCommand | None:
        await self._view.lock(_TABLE, id_)
        return await self.get(id_)

    async def save(self, command: OperatorCommand) -> None:
        await self._view.put(_TABLE, command.id, command)

    async def ended_since(self, after: datetime) -> Sequence[OperatorCommand]:
        return [c for c in self._ended() if c.finished_at is not None and c.finished_at >= after]

    async def last_done(self, kind: CommandType) -> OperatorCommand | None:
        done = [c for c in self._ended() if c.type is kind and c.status is CommandStatus.SUCCEEDED]
        return done[-1] if done else None

    def _all(self) -> list[OperatorCommand]:
        return sorted(self._view.all(_TABLE), key=lambda command: command.id)

    def _ended(self) -> list[OperatorCommand]:
        over = [(c.finished_at, c.id, c) for c in self._all() if c.finished_at is not None]
        return [command for _, _, command in sorted(over, key=lambda row: row[:2])]
