"""Open trades of ours that the venue does not show, and those that were given up."""

from collections.abc import Collection, Sequence

from engine.domain.account import Position
from engine.snapshot.canonical import restore
from storage.models import PositionRow
from storage.table import Table

_SHOWN = "DELETE FROM missed_trade WHERE position_id = ANY($1::text[])"
_MISSED = """
INSERT INTO missed_trade (position_id, looks, since)
SELECT position.id, 1, clock_timestamp() FROM trade_position position
JOIN trade_order ON trade_order.client_id = position.client_id AND trade_order.account_id = $1
WHERE position.is_open AND position.id <> ALL($2::text[]) ORDER BY position.id
ON CONFLICT (position_id) DO UPDATE SET looks = missed_trade.looks + 1
"""
_VANISHED = """
SELECT position.id FROM missed_trade missed JOIN trade_position position
    ON position.id = missed.position_id AND position.is_open
JOIN trade_order ON trade_order.client_id = position.client_id AND trade_order.account_id = $1
WHERE missed.looks >= $2 AND missed.since <= clock_timestamp() - make_interval(secs => $3)
ORDER BY position.id
"""
# An end without an instant: nobody knows when it was, nor what it made.
_GIVE_UP = "UPDATE trade_position SET is_open = FALSE WHERE id = $1 AND is_open RETURNING id"


class MissedTable(Table):
    """The port ``MissedTrades`` in one transaction."""

    async def look(self, account_id: str, shown: Collection[str]) -> None:
        await self._connection.execute_query(_SHOWN, [list(shown)])
        await self._connection.execute_query(_MISSED, [account_id, list(shown)])

    async def vanished(self, account_id: str, *, looks: int, seconds: float) -> Sequence[Position]:
        found = await self._rows(_VANISHED, account_id, looks, float(seconds))
        rows = PositionRow.filter(id__in=[row["id"] for row in found]).using_db(self._connection)
        return [restore(Position, row.document) for row in await rows.order_by("id")]

    async def give_up(self, position_id: str) -> bool:
        rows = await self._rows(_GIVE_UP, position_id)
        await self._connection.execute_query(_SHOWN, [[position_id]])
        return len(rows) == 1
