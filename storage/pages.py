"""Pages of lists, read as columns: no document is restored that a list does not show."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.decision import Action
from engine.domain.idea import IdeaStatus
from engine.domain.order import Order, OrderState
from engine.domain.pages import Board, EquityLine, FillLine, HistoryLine, IdeaLine
from engine.errors import NotFound
from storage import mapping
from storage.models import OrderRow
from storage.table import Table

HISTORY = """
SELECT id, occurred_at, symbol, action, rationale, confidence_score, risk_check_result,
    strategy_id, trade_idea_id, snapshot_ref, human_override, seq AS number, actor, market_time
FROM decision_history
"""

# A record's id begins its hash, and the next record names that hash: the chain is the index.
_DECISION = """
SELECT seq FROM decision_history WHERE id = $1 AND seq IN (
    SELECT seq - 1 FROM decision_history
    WHERE previous_hash BETWEEN $2 || repeat('0', 32) AND $2 || repeat('f', 32)
    UNION ALL SELECT seq FROM history_head
)
"""

# Prices of the document: the columns have six digits after the point, and some markets more.
IDEAS = """
SELECT idea.id, symbol, direction, (idea.document #>> '{proposal,entry}')::numeric AS entry_price,
    (idea.document #>> '{proposal,stop_loss}')::numeric AS stop_loss,
    take_profit::text AS take_profit,
    (idea.document #>> '{proposal,time_limit_min}')::int AS time_limit_min, rationale,
    confidence_score, status, number, timeframe,
    (idea.document #>> '{sizing,volume}')::numeric AS volume, strategy_id, snapshot_ref, created_at,
    CASE WHEN approval.ending = 'pending' THEN approval.expires_at END AS expires_at
FROM trade_ideas AS idea LEFT JOIN approval ON approval.idea_id = idea.id
"""
# A trade that was just filled is not among the positions before the next look at the venue.
OPEN = """
WHERE idea.id IN (
    SELECT id FROM trade_ideas WHERE status IN ('waiting', 'needs_approval')
    UNION SELECT idea_id FROM trade_order WHERE state IN ('intent', 'sending', 'unknown')
    UNION SELECT idea_id FROM trade_position AS held
        JOIN trade_order ON trade_order.client_id = held.client_id WHERE held.is_open
    UNION SELECT idea_id FROM trade_order AS filled
        WHERE state = 'acked' AND created_at > clock_timestamp() - interval '1 hour'
        AND NOT EXISTS (SELECT FROM trade_position AS p WHERE p.client_id = filled.client_id)
)
ORDER BY number DESC LIMIT $1
"""

_FILLS = """
SELECT fill.client_id, broker_id, symbol, document ->> 'direction', price, fill.volume, time
FROM fill JOIN trade_order ON trade_order.client_id = fill.client_id
WHERE $2::timestamptz IS NULL OR time < $2 ORDER BY time DESC, fill.client_id LIMIT $1
"""

_EQUITY = """
SELECT captured_at, balance, equity, margin_used, margin_free, open_pl, open_positions
FROM snapshot_account
WHERE account_id = $2 AND ($3::timestamptz IS NULL OR captured_at < $3)
ORDER BY captured_at DESC, id DESC LIMIT $1
"""

BOARD = """
SELECT state, reason, mode,
    (risk.document ->> 'daily_profit_target')::numeric AS daily_profit_target,
    (risk.document ->> 'weekly_profit_target')::numeric AS weekly_profit_target,
    (risk.document ->> 'max_drawdown_amount')::numeric AS max_drawdown_amount,
    (risk.document ->> 'min_confidence_threshold')::numeric AS min_confidence_threshold,
    (risk.document ->> 'max_concurrent_trades')::int AS max_concurrent_trades,
    day, start_equity, peak_equity,
    (SELECT count(*) FROM approval WHERE ending = 'pending') AS waiting,
    (SELECT coalesce(max(last.seq), 0) FROM unnest($2::text[]) AS wanted(action), LATERAL (
        SELECT seq FROM decision_history WHERE action = wanted.action ORDER BY -seq LIMIT 1
    ) AS last) AS mark,
    (SELECT role FROM person WHERE id = $3) AS role
FROM control
CROSS JOIN (SELECT document FROM settings_version ORDER BY version DESC LIMIT 1) AS risk
LEFT JOIN trading_day ON account_id = $1
WHERE control.id = 1
"""


class PageTable(Table):
    """The port ``Pages`` in one transaction."""

    async def history(
        self,
        *,
        symbol: str | None = None,
        action: Action | None = None,
        idea_id: UUID | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[HistoryLine]:
        # In the order of the index of a filter, or of the primary key: see the migrations.
        is_filtered = symbol is not None or action is not None
        next_page = "-seq > -${}::bigint" if is_filtered else "seq < ${}"
        query, values = _page(
            HISTORY,
            "-seq" if is_filtered else "seq DESC",
            limit,
            ("symbol = ${}", symbol),
            ("action = ${}", None if action is None else str(action)),
            ("trade_idea_id = ${}", idea_id),
            (next_page, before),
        )
        return [HistoryLine(*row) for row in await self._tuples(query, *values)]

    async def decision(self, id_: UUID) -> int | None:
        rows = await self._tuples(_DECISION, id_, id_.hex)
        return rows[0][0] if rows else None

    async def ideas(
        self, *, status: IdeaStatus | None = None, before: int | None = None, limit: int
    ) -> Sequence[IdeaLine]:
        query, values = _page(
            IDEAS,
            "number DESC",
            limit,
            ("status = ${}", None if status is None else str(status)),
            ("number < ${}", before),
        )
        return [_idea(row) for row in await self._tuples(query, *values)]

    async def open_ideas(self, limit: int) -> Sequence[IdeaLine]:
        return [_idea(row) for row in await self._tuples(IDEAS + OPEN, limit)]

    async def orders(
        self, *, state: OrderState | None = None, before: datetime | None = None, limit: int
    ) -> Sequence[Order]:
        query = OrderRow.all().using_db(self._connection)
        if state is not None:
            query = query.filter(state=str(state))
        if before is not None:
            query = query.filter(created_at__lt=before)
        rows = await query.order_by("-created_at", "client_id").limit(limit)
        return [mapping.order_of(row) for row in rows]

    async def fills(self, *, before: datetime | None = None, limit: int) -> Sequence[FillLine]:
        return [FillLine(*row) for row in await self._tuples(_FILLS, limit, before)]

    async def equity(
        self, account_id: str, *, before: datetime | None = None, limit: int
    ) -> Sequence[EquityLine]:
        rows = await self._tuples(_EQUITY, limit, account_id, before)
        return [EquityLine(*row) for row in rows]

    async def board(self, account_id: str, marks: Sequence[Action], person_id: int) -> Board:
        rows = await self._tuples(BOARD, account_id, [str(mark) for mark in marks], person_id)
        if not rows:
            raise NotFound("the database is empty; run: ai-trader migrate")
        return Board(*rows[0])


def _page(
    select: str, order: str, limit: int, *conditions: tuple[str, Any]
) -> tuple[str, list[Any]]:
    values: list[Any] = [limit]
    where = []
    for condition, value in conditions:
        if value is not None:
            values.append(value)
            where.append(condition.format(len(values)))
    filtered = f"WHERE {' AND '.join(where)}" if where else ""
    return f"{select} {filtered} ORDER BY {order} LIMIT $1", values


def _idea(row: Any) -> IdeaLine:
    line = IdeaLine(*row)
    return line._replace(take_profit=tuple(map(Decimal, json.loads(row[5]))))
