"""Orders, fills, and the trades at the venue as we know them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from engine.domain.account import Position
from engine.domain.order import UNPROVEN, ClosedTrade, Order, OrderState, together
from engine.domain.snapshot import OpenOrder, open_order
from engine.errors import IllegalMove, NotFound
from engine.snapshot.canonical import plain
from storage import mapping
from storage.models import OrderRow, PositionRow
from storage.table import Table

_STUCK = """
SELECT client_id FROM trade_order
WHERE state = 'sending' AND sending_at <= clock_timestamp() - make_interval(secs => $1)
ORDER BY sending_at
"""

#: A query has room for 32,767 parameters.
_AT_ONCE = 1_000

# As one array: a venue's whole past may be more than a query has parameters for.
#: One statement for each, sent together: an account may hold a thousand, and each look saves all.
_SAVE_POSITION = """
INSERT INTO trade_position (id, client_id, symbol, is_open, opened_at, profit, document)
VALUES ($1, $2, $3, TRUE, $4, $5, $6)
ON CONFLICT (id) DO UPDATE SET client_id = EXCLUDED.client_id, symbol = EXCLUDED.symbol,
    opened_at = EXCLUDED.opened_at, profit = EXCLUDED.profit, document = EXCLUDED.document,
    is_open = TRUE
WHERE trade_position.is_open OR trade_position.closed_at IS NULL
"""
# Its fill with it: an order is ACKED if and only if there is one.
_SWAP = """
UPDATE trade_order SET state = $3, sending_at = $4, document = $5
WHERE client_id = $1 AND state = $2 RETURNING client_id
"""
_FILL = f"""
WITH moved AS ({_SWAP})
INSERT INTO fill (client_id, broker_id, price, time, volume)
SELECT client_id, $6, $7, $8, $9 FROM moved RETURNING client_id
"""  # noqa: S608 -- two statements of ours
_ENDED = "SELECT id FROM trade_position WHERE id = ANY($1::text[]) AND closed_at IS NOT NULL"

# Two who add the same order at once: the second waits for the first, and then adds nothing.
_ADD = """
INSERT INTO trade_order (client_id, idea_id, account_id, symbol, state, sending_at, document,
                         created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING RETURNING client_id
"""
_ADDED = (
    "client_id", "idea_id", "account_id", "symbol", "state", "sending_at", "document", "created_at"
)  # fmt: skip


class OrderTable(Table):
    """The port ``Orders`` in one transaction."""

    async def add(self, order: Order) -> bool:
        columns = mapping.order_columns(order)
        columns["document"] = mapping.json_text(columns["document"])
        rows = await self._rows(_ADD, *[columns[name] for name in _ADDED])
        # Of many at once any of the two unique keys may be the one that is met first.
        if not rows and await self.find(order.client_id) is None:
            raise IllegalMove(f"idea {order.idea_id} has an order")
        return len(rows) == 1

    async def get(self, client_id: str) -> Order:
        order = await self.find(client_id)
        if order is None:
            raise NotFound(f"there is no order {client_id}")
        return order

    async def find(self, client_id: str) -> Order | None:
        row = await OrderRow.filter(client_id=client_id).using_db(self._connection).get_or_none()
        return None if row is None else mapping.order_of(row)

    async def many(self, client_ids: Collection[str]) -> Sequence[Order]:
        found: list[Order] = []
        wanted = sorted(client_ids)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            rows = await OrderRow.filter(client_id__in=some).using_db(self._connection)
            found += [mapping.order_of(row) for row in rows]
        return found

    async def of_idea(self, idea_id: UUID) -> Order | None:
        row = await OrderRow.filter(idea_id=idea_id).using_db(self._connection).get_or_none()
        return None if row is None else mapping.order_of(row)

    async def swap(self, before: Order, after: Order) -> bool:
        columns = mapping.order_columns(after)
        is_filled = after.state is OrderState.ACKED
        fill = [after.broker_id, after.fill_price, after.filled_at, after.volume]
        rows = await self._rows(
            _FILL if is_filled else _SWAP, before.client_id, str(before.state), columns["state"],
            columns["sending_at"], mapping.json_text(columns["document"]),
            *(fill if is_filled else ()),
        )  # fmt: skip
        return len(rows) == 1

    async def in_state(self, state: OrderState) -> Sequence[Order]:
        rows = (
            await OrderRow.filter(state=str(state))
            .using_db(self._connection)
            .order_by("created_at", "client_id")
        )
        return [mapping.order_of(row) for row in rows]

    async def cancelled(self, reason: str) -> Sequence[Order]:
        rows = (
            await OrderRow.filter(
                state=str(OrderState.CANCELLED), document__contains={"reason": reason}
            )
            .using_db(self._connection)
            .order_by("created_at", "client_id")
        )
        return [mapping.order_of(row) for row in rows]

    async def stuck(self, seconds: float) -> Sequence[Order]:
        rows = await self._rows(_STUCK, float(seconds))
        names = [row["client_id"] for row in rows]
        found = {order.client_id: order for order in await self.many(names)}
        return [found[name] for name in names]

    async def unproven(self) -> tuple[OpenOrder, ...]:
        rows = (
            await OrderRow.filter(state__in=[str(state) for state in UNPROVEN])
            .using_db(self._connection)
            .order_by("created_at", "client_id")
        )
        return tuple(open_order(mapping.order_of(row)) for row in rows)

    async def save_positions(self, positions: Sequence[Position]) -> None:
        # In one order, so that two who look at once do not wait for each other crosswise.
        rows = [
            [
                position.id, position.client_id, position.symbol, position.opened_at,
                position.profit, mapping.json_text(plain(position)),
            ]
            for position in sorted(positions, key=lambda position: position.id)
        ]  # fmt: skip
        if rows:
            await self._connection.execute_many(_SAVE_POSITION, rows)

    async def close_position(self, trade: ClosedTrade) -> bool:
        row = (
            await PositionRow.filter(id=trade.position_id).using_db(self._connection).get_or_none()
        )
        if row is not None and row.closed_at is not None:
            return False
        await PositionRow.update_or_create(
            using_db=self._connection,
            id=trade.position_id,
            defaults={
                "client_id": trade.client_id,
                "symbol": trade.symbol,
                "is_open": False,
                "opened_at": trade.opened_at,
                "closed_at": trade.closed_at,
                "profit": trade.profit,
                "document": plain(trade),
            },
        )
        return True

    async def ended(self, position_ids: Collection[str]) -> frozenset[str]:
        rows = await self._rows(_ENDED, list(position_ids))
        return frozenset(row["id"] for row in rows)

    async def trade_of(self, client_id: str) -> ClosedTrade | Position | None:
        known = Q(is_open=True) | Q(closed_at__isnull=False)
        query = PositionRow.filter(known, client_id=client_id).using_db(self._connection)
        trades = [mapping.trade_of(row) for row in await query.order_by("closed_at", "id")]
        held = [trade for trade in trades if isinstance(trade, Position)]
        ended = [trade for trade in trades if isinstance(trade, ClosedTrade)]
        return held[0] if held else together(ended) if ended else None

    async def closed(self, *, since: datetime | None, limit: int) -> Sequence[ClosedTrade]:
        query = PositionRow.filter(closed_at__isnull=False).using_db(self._connection)
        if since is not None:
            query = query.filter(closed_at__gte=since)
        rows = await query.order_by("-closed_at", "-id").limit(limit)
        trades = [mapping.trade_of(row) for row in rows]
        return [trade for trade in trades if isinstance(trade, ClosedTrade)]
