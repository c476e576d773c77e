"""What people want of open trades, and what became of it."""

from collections.abc import Sequence

from engine.domain.position_orders import UNDER_WAY, PositionOrder, PositionOrderState
from engine.errors import NotFound
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.models import PositionOrderRow
from storage.table import Table

# Two who add the same one at once: the second waits for the first, and then adds nothing.
_ADD = """
INSERT INTO position_order (client_id, account_id, position_id, symbol, deed, state, sending_at,
                            document, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (client_id) DO NOTHING RETURNING client_id
"""

_STUCK = """
SELECT client_id FROM position_order
WHERE state = 'sending' AND sending_at <= clock_timestamp() - make_interval(secs => $1)
ORDER BY sending_at
"""

# Whoever asks the same of another order of the position waits here till this transaction ends.
_LOCK = """
SELECT client_id FROM position_order WHERE account_id = $1 AND position_id = $2
ORDER BY client_id FOR UPDATE
"""


class PositionOrderTable(Table):
    """The port ``PositionOrders`` in one transaction."""

    async def add(self, order: PositionOrder) -> bool:
        rows = await self._rows(
            _ADD, order.client_id, order.account_id, order.position_id, order.symbol,
            str(order.deed), str(order.state), order.sending_at, json_text(plain(order)),
            order.created_at,
        )  # fmt: skip
        return len(rows) == 1

    async def get(self, client_id: str) -> PositionOrder:
        row = (
            await PositionOrderRow.filter(client_id=client_id)
            .using_db(self._connection)
            .get_or_none()
        )
        if row is None:
            raise NotFound(f"there is no position order {client_id[:40]}")
        return _order(row)

    async def swap(self, before: PositionOrder, after: PositionOrder) -> bool:
        changed = await (
            PositionOrderRow.filter(client_id=before.client_id, state=str(before.state))
            .using_db(self._connection)
            .update(state=str(after.state), sending_at=after.sending_at, document=plain(after))
        )
        return changed == 1

    async def in_state(self, state: PositionOrderState) -> Sequence[PositionOrder]:
        rows = (
            await PositionOrderRow.filter(state=str(state))
            .using_db(self._connection)
            .order_by("created_at", "client_id")
        )
        return [_order(row) for row in rows]

    async def stuck(self, seconds: float) -> Sequence[PositionOrder]:
        rows = await self._rows(_STUCK, float(seconds))
        return [await self.get(row["client_id"]) for row in rows]

    async def of_position(self, account_id: str, position_id: str) -> Sequence[PositionOrder]:
        rows = (
            await PositionOrderRow.filter(account_id=account_id, position_id=position_id)
            .using_db(self._connection)
            .order_by("-created_at", "-client_id")
        )
        return [_order(row) for row in rows]

    async def alone(self, order: PositionOrder) -> bool:
        await self._connection.execute_query(_LOCK, [order.account_id, order.position_id])
        others = await self.of_position(order.account_id, order.position_id)
        return not any(other.state in UNDER_WAY and order.excludes(other) for other in others)


def _order(row: PositionOrderRow) -> PositionOrder:
    return restore(PositionOrder, row.document)
