"""The queue of the operator's commands (source 002)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from engine.domain.operator_command import (
    CommandDraft,
    CommandStatus,
    CommandType,
    OperatorCommand,
)


class OperatorCommands(Protocol):
    """Commands, each with one end."""

    async def add(self, draft: CommandDraft) -> tuple[OperatorCommand, bool]:
        """Queue a command. False beside it when its idempotency key was given before: it is that
        earlier command then, which may ask for something else.
        """
        ...

    async def get(self, id_: int) -> OperatorCommand | None:
        """One command."""
        ...

    async def latest(
        self, *, status: CommandStatus | None = None, limit: int
    ) -> Sequence[OperatorCommand]:
        """The last ones, the newest first."""
        ...

    async def claim(self, worker: str, lease: timedelta) -> OperatorCommand | None:
        """Take the oldest that is PENDING, or RUNNING with a lease that ran out, for so long.

        Only one of many askers gets it, and none waits for another. One that changes the trading
        state is not taken while an earlier such is not over.
        """
        ...

    async def take(self, id_: int) -> OperatorCommand | None:
        """One command, locked to the end of the transaction. Whoever also needs the trading state
        takes that first.
        """
        ...

    async def save(self, command: OperatorCommand) -> None:
        """Store how a command that was taken stands."""
        ...

    async def ended_since(self, after: datetime) -> Sequence[OperatorCommand]:
        """Those that ended at or after an instant, in the order in which they did."""
        ...

    async def last_done(self, kind: CommandType) -> OperatorCommand | None:
        """The last SUCCEEDED command of a type."""
        ...
