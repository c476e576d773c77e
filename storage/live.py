"""Admins' confirmations of real accounts."""

import json

from engine.domain.live import Confirmation
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.table import Table

_SAVE = """
INSERT INTO live_confirmation (account_id, confirmed_at, document) VALUES ($1, $2, $3)
ON CONFLICT (account_id)
DO UPDATE SET confirmed_at = EXCLUDED.confirmed_at, document = EXCLUDED.document
"""


class ConfirmationTable(Table):
    """The port ``Confirmations`` in one transaction."""

    async def of(self, account_id: str) -> Confirmation | None:
        rows = await self._rows(
            "SELECT document::text AS document FROM live_confirmation WHERE account_id = $1",
            account_id,
        )
        return restore(Confirmation, json.loads(rows[0]["document"])) if rows else None

    async def save(self, confirmation: Confirmation) -> None:
        document = json_text(plain(confirmation))
        await self._connection.execute_query(
            _SAVE, [confirmation.account_id, confirmation.at, document]
        )

    async def remove(self, account_id: str) -> bool:
        rows = await self._rows(
            "DELETE FROM live_confirmation WHERE account_id = $1 RETURNING account_id", account_id
        )
        return bool(rows)
