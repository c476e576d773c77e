"""Bounded reads of the record for questions, each over one range of one index."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Decision
from engine.domain.recorded import AnsweredBy, Became, Counted, Extent, TradeLine
from storage import mapping
from storage.table import Table

# The index decision_history_asked has every column of this: the table itself is not read. Each
# action is a range of its own, and the outer limit ends all of them.
_RANGE = """
FROM unnest($1::text[]) AS wanted(action) CROSS JOIN LATERAL (
    SELECT seq, symbol, risk_check_result, action FROM decision_history
    WHERE action = wanted.action AND market_time >= $2 AND market_time < $3
      AND ($4::text IS NULL OR symbol = $4) LIMIT $5
) AS found LIMIT $5
"""
_COUNTS = f"""
SELECT action, risk_check_result, count(*), max(seq), sum(count(*)) OVER ()
FROM (SELECT found.action, risk_check_result, seq {_RANGE}) AS part GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
"""  # noqa: S608 -- texts of ours

_ANSWERS = f"""
SELECT part.action, record.actor, count(*), max(record.seq), sum(count(*)) OVER ()
FROM (SELECT found.action, seq {_RANGE}) AS part JOIN decision_history AS record USING (seq)
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""  # noqa: S608

# A person's yes that a check refused is no idea of its own.
_PROPOSED = f"""
SELECT record.seq, hash, previous_hash, body
FROM (SELECT seq {_RANGE}) AS part JOIN decision_history AS record USING (seq)
WHERE NOT human_override ORDER BY record.seq
"""  # noqa: S608

_TRADES = """
SELECT p.id, p.client_id, p.symbol, p.document ->> 'direction', p.profit, p.closed_at,
    idea.number, idea.id, idea.document ->> 'strategy_name'
FROM trade_position AS p
LEFT JOIN trade_order AS o ON o.client_id = p.client_id
LEFT JOIN trade_ideas AS idea ON idea.id = o.idea_id
WHERE p.closed_at >= $1 AND p.closed_at < $2 AND ($3::text IS NULL OR p.symbol = $3)
ORDER BY p.closed_at, p.id LIMIT $4
"""

_BECAME = """
SELECT CASE WHEN approval.ending = 'rejected' THEN 'rejected'
            WHEN approval.ending = 'expired' THEN 'expired'
            WHEN approval.ending = 'pending' THEN 'waiting'
            WHEN approval.ending IN ('price_moved', 'gate_closed', 'halted') THEN 'unsent'
            WHEN idea.status IN ('rejected', 'halted_by_risk') THEN 'refused'
            ELSE 'traded' END,
    followed.result, count(*), coalesce(sum(followed.r), 0), max(idea.number),
    sum(count(*)) OVER ()
FROM (
    SELECT id, status, number FROM trade_ideas
    WHERE market_time >= $1 AND market_time < $2 AND ($3::text IS NULL OR symbol = $3) LIMIT $4
) AS idea LEFT JOIN approval ON approval.idea_id = idea.id
    LEFT JOIN idea_outcome AS followed ON followed.idea_id = idea.id
GROUP BY 1, 2 ORDER BY 1, 2
"""

# The symbols by hops through the index, one a symbol.
_EXTENT = """
WITH RECURSIVE named AS (
    (SELECT symbol FROM decision_history WHERE symbol IS NOT NULL ORDER BY symbol LIMIT 1)
    UNION ALL
    SELECT (SELECT symbol FROM decision_history WHERE symbol > named.symbol
            ORDER BY symbol LIMIT 1)
    FROM named WHERE named.symbol IS NOT NULL
), judged(action) AS (VALUES ('no_trade'), ('ai_proposed'), ('ai_auto_executed'), ('risk_rejected'))
SELECT (SELECT min(first) FROM judged CROSS JOIN LATERAL (
            SELECT market_time AS first FROM decision_history
            WHERE action = judged.action AND market_time IS NOT NULL
            ORDER BY market_time LIMIT 1) AS one),
       (SELECT max(last) FROM judged CROSS JOIN LATERAL (
            SELECT market_time AS last FROM decision_history
            WHERE action = judged.action AND market_time IS NOT NULL
            ORDER BY market_time DESC LIMIT 1) AS one),
       (SELECT array_agg(symbol) FROM (SELECT symbol FROM named
            WHERE symbol IS NOT NULL LIMIT 50) AS part)
"""

_CARD = """
SELECT idea.number FROM sent_message AS sent JOIN outbox ON outbox.id = sent.outbox_id
JOIN trade_ideas AS idea ON idea.id = CASE
    WHEN outbox.payload #>> '{detail,idea_id}' ~ '^[0-9a-f-]{36}$'
    THEN (outbox.payload #>> '{detail,idea_id}')::uuid END
WHERE sent.chat_id = $1 AND sent.message_id = $2
"""

_ASK = """
INSERT INTO question_budget AS kept (person_id, since, asked)
VALUES ($1, clock_timestamp(), 1)
ON CONFLICT (person_id) DO UPDATE SET
    asked = CASE WHEN kept.since <= clock_timestamp() - make_interval(secs => $2::float8)
                 THEN 1 ELSE kept.asked + 1 END,
    since = CASE WHEN kept.since <= clock_timestamp() - make_interval(secs => $2::float8)
                 THEN clock_timestamp() ELSE kept.since END
RETURNING asked, since + make_interval(secs => $2::float8) AS until
"""

_MADE = (Action.AI_PROPOSED, Action.AI_AUTO_EXECUTED, Action.RISK_REJECTED)


class RecordedTable(Table):
    """The port ``Recorded`` in one transaction."""

    async def counts(
        self,
        actions: Sequence[Action],
        since: datetime,
        until: datetime,
        *,
        symbol: str | None = None,
        most: int,
    ) -> Sequence[Counted] | None:
        rows = await self._range(_COUNTS, actions, since, until, symbol, most)
        return None if _too_many(rows, most) else [Counted(*list(row)[:4]) for row in rows]

    async def answers(
        self,
        actions: Sequence[Action],
        since: datetime,
        until: datetime,
        *,
        symbol: str | None = None,
        most: int,
    ) -> Sequence[AnsweredBy] | None:
        rows = await self._range(_ANSWERS, actions, since, until, symbol, most)
        return None if _too_many(rows, most) else [AnsweredBy(*list(row)[:4]) for row in rows]

    async def proposed(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[Decision] | None:
        rows = await self._range(_PROPOSED, _MADE, since, until, symbol, most)
        return None if len(rows) > most else [mapping.decision_of(*row) for row in rows]

    async def trades(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[TradeLine] | None:
        rows = await self._tuples(_TRADES, since, until, symbol, most + 1)
        return None if len(rows) > most else [TradeLine(*row) for row in rows]

    async def became(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[Became] | None:
        rows = await self._tuples(_BECAME, since, until, symbol, most + 1)
        return None if _too_many(rows, most) else [Became(*list(row)[:5]) for row in rows]

    async def extent(self) -> Extent:
        first, last, symbols = (await self._tuples(_EXTENT))[0]
        return Extent(first, last, tuple(symbols or ()))

    async def idea_of_message(self, chat_id: int, message_id: int) -> int | None:
        rows = await self._tuples(_CARD, chat_id, message_id)
        return rows[0][0] if rows else None

    async def ask(self, person_id: int, seconds: int) -> tuple[int, datetime]:
        (row,) = await self._rows(_ASK, person_id, seconds)
        return row["asked"], row["until"]

    async def _range(
        self,
        query: str,
        actions: Sequence[Action],
        since: datetime,
        until: datetime,
        symbol: str | None,
        most: int,
    ) -> Sequence[Any]:
        names = [str(action) for action in dict.fromkeys(actions)]
        return await self._tuples(query, names, since, until, symbol, most + 1)


def _too_many(rows: Sequence[Any], most: int) -> bool:
    """Whether the groups, each with the sum over all, are of more rows than may be counted."""
    return bool(rows) and rows[0][-1] > most
