"""Confirmations of real accounts, in memory."""

from engine.domain.live import Confirmation
from tests.memory.rows import View

_TABLE = "live confirmation"


class MemoryConfirmations:
    """The port ``Confirmations`` in one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def of(self, account_id: str) -> Confirmation | None:
        found: Confirmation | None = self._view.get(_TABLE, account_id)
        return found

    async def save(self, confirmation: Confirmation) -> None:
        await self._view.put(_TABLE, confirmation.account_id, confirmation)

    async def remove(self, account_id: str) -> bool:
        await self._view.lock(_TABLE, account_id)
        known = self._view.get(_TABLE, account_id) is not None
        await self._view.put(_TABLE, account_id, None)
        return known
