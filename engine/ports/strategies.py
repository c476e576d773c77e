"""Where strategies are kept, version by version."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from engine.domain.strategy import Strategy, StrategyVersion


class StrategyStore(Protocol):
    """Strategies; a part of what ``Transaction.settings`` is."""

    async def strategies(self) -> tuple[Strategy, ...]:
        """The current version of every strategy, in order."""
        ...

    async def save_strategy(
        self, strategy: Strategy, *, by: str, reason: str, expected: int | None = None
    ) -> Strategy:
        """Write a strategy's next version; the answer carries its number.

        Raises ``Outdated`` unless the current version is ``expected``, where 0 means none yet.
        """
        ...

    async def strategy_versions(self, strategy_id: UUID) -> Sequence[StrategyVersion]:
        """Every version of a strategy, newest first."""
        ...
