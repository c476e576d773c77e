"""Model signals on their way to an EA server, and its acknowledgements."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from engine.domain.exact import read, written
from engine.domain.market import Timeframe
from engine.domain.signal import Ack, QueuedSignal, Side, Signal, SignalState, StateCount
from storage.locks import Lock
from storage.table import Table

_REASON = 500

_FACTS = """signal_id, seq, ts, symbol, timeframe, side, confidence, sl_pips, tp_pips, price,
meta::text AS meta, status, attempts, reason, claim, created_at"""

_PUT = """
INSERT INTO signals_queue (signal_id, ts, symbol, timeframe, side, confidence, sl_pips, tp_pips,
                           price, meta)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::json)
ON CONFLICT (signal_id) DO NOTHING RETURNING seq
"""

# One instant for the whole statement: a pause that ends while it runs must not let a later signal
# of the same symbol go first.
_CLAIM = f"""
WITH mine AS MATERIALIZED (SELECT gen_random_uuid() AS claim), head AS (
    SELECT signal_id FROM signals_queue q
    WHERE status = 'PENDING' AND not_before <= statement_timestamp()
      AND (leased_until IS NULL OR leased_until <= statement_timestamp())
      AND NOT EXISTS (
        SELECT FROM signals_queue e
        WHERE e.symbol = q.symbol AND e.status = 'PENDING' AND e.seq < q.seq
          AND (e.leased_until > statement_timestamp() OR e.not_before > statement_timestamp()))
    ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE signals_queue SET claim = (SELECT claim FROM mine),
    leased_until = statement_timestamp() + make_interval(secs => $2)
WHERE signal_id IN (SELECT signal_id FROM head) RETURNING {_FACTS}
"""  # noqa: S608

_BEGIN = f"""
WITH held AS (
    UPDATE signals_queue SET leased_until = clock_timestamp() + make_interval(secs => $3)
    WHERE claim = $2 AND status = 'PENDING' AND signal_id <> $1
)
UPDATE signals_queue SET attempts = attempts + 1, attempted_at = clock_timestamp(),
    leased_until = clock_timestamp() + make_interval(secs => $3)
WHERE signal_id = $1 AND claim = $2 AND status = 'PENDING'
  AND least(ts, created_at) > clock_timestamp() - make_interval(secs => $4)
RETURNING {_FACTS}
"""  # noqa: S608

_SENT = """
WITH done AS (
    UPDATE signals_queue SET status = 'SENT', reason = NULL, claim = NULL, leased_until = NULL,
        finished_at = clock_timestamp()
    WHERE signal_id = $1 AND status <> 'SENT' RETURNING signal_id
)
INSERT INTO signals_ack (signal_id, ticket) SELECT signal_id, $2 FROM done
ON CONFLICT (signal_id) DO NOTHING RETURNING signal_id
"""

_FAILED = """
UPDATE signals_queue SET status = 'FAILED', reason = $3, claim = NULL, leased_until = NULL,
    finished_at = clock_timestamp()
WHERE signal_id = $1 AND claim = $2 AND status = 'PENDING' RETURNING seq
"""

_LATER = """
UPDATE signals_queue SET reason = $3, claim = NULL, leased_until = NULL,
    not_before = clock_timestamp() + make_interval(secs => $4)
WHERE signal_id = $1 AND claim = $2 AND status = 'PENDING' RETURNING seq
"""

_RELEASE = """
UPDATE signals_queue SET claim = NULL, leased_until = NULL WHERE claim = $1 AND status = 'PENDING'
"""

# What was tried may have arrived: its last reason is kept behind the new one.
_EXPIRE = """
UPDATE signals_queue SET status = 'EXPIRED', claim = NULL, leased_until = NULL,
    finished_at = clock_timestamp(), reason = left(concat_ws('; ', $2::text, reason), 500)
WHERE status = 'PENDING' AND (leased_until IS NULL OR leased_until <= clock_timestamp())
  AND least(ts, created_at) <= clock_timestamp() - make_interval(secs => $1) RETURNING seq
"""

_STATES = """
SELECT status, count(*) AS count, max(created_at) AS latest FROM signals_queue
WHERE created_at > clock_timestamp() - make_interval(secs => $1) GROUP BY status
"""


class SignalQueueTable(Table):
    """The port ``SignalQueue`` in one transaction."""

    async def put(self, signal: Signal) -> bool:
        rows = await self._rows(
            _PUT,
            signal.signal_id,
            signal.timestamp,
            signal.symbol,
            str(signal.timeframe),
            str(signal.side),
            signal.confidence,
            signal.sl_pips,
            signal.tp_pips,
            signal.price,
            written(dict(signal.meta)),
        )
        return bool(rows)

    async def get(self, signal_id: UUID) -> QueuedSignal | None:
        query = f"SELECT {_FACTS} FROM signals_queue WHERE signal_id = $1"  # noqa: S608
        rows = await self._rows(query, signal_id)
        return _queued(rows[0]) if rows else None

    async def ack(self, signal_id: UUID) -> Ack | None:
        rows = await self._rows(
            "SELECT signal_id, ticket, acked_at FROM signals_ack WHERE signal_id = $1", signal_id
        )
        return Ack(**rows[0]) if rows else None

    async def claim(self, limit: int, lease: timedelta) -> tuple[QueuedSignal, ...]:
        await self._alone()
        rows = await self._rows(_CLAIM, limit, lease.total_seconds())
        return tuple(sorted(map(_queued, rows), key=lambda found: found.seq))

    async def begin(
        self, claimed: QueuedSignal, *, lease: timedelta, life: timedelta
    ) -> QueuedSignal | None:
        await self._alone()
        rows = await self._rows(
            _BEGIN,
            claimed.signal.signal_id,
            claimed.claim,
            lease.total_seconds(),
            life.total_seconds(),
        )
        return _queued(rows[0]) if rows else None

    async def sent(self, signal_id: UUID, ticket: int | None) -> bool:
        return await self._moved(_SENT, signal_id, ticket)

    async def failed(self, claimed: QueuedSignal, reason: str) -> bool:
        return await self._moved(_FAILED, claimed.signal.signal_id, claimed.claim, reason[:_REASON])

    async def later(self, claimed: QueuedSignal, reason: str, pause: timedelta) -> bool:
        return await self._moved(
            _LATER,
            claimed.signal.signal_id,
            claimed.claim,
            reason[:_REASON],
            pause.total_seconds(),
        )

    async def release(self, claim: UUID) -> None:
        await self._alone()
        await self._connection.execute_query(_RELEASE, [claim])

    async def expire(self, life: timedelta, why: str) -> int:
        await self._alone()
        rows = await self._rows(_EXPIRE, life.total_seconds(), why)
        return len(rows)

    async def states(self, window: timedelta) -> Mapping[SignalState, StateCount]:
        rows = await self._rows(_STATES, window.total_seconds())
        return {SignalState(row["status"]): StateCount(row["count"], row["latest"]) for row in rows}

    async def totals(self) -> Mapping[SignalState, int]:
        rows = await self._rows(
            "SELECT status, count(*) AS count FROM signals_queue GROUP BY status"
        )
        return {SignalState(row["status"]): row["count"] for row in rows}

    async def recent(self, state: SignalState, limit: int) -> Sequence[QueuedSignal]:
        rows = await self._rows(
            f"SELECT {_FACTS} FROM signals_queue WHERE status = $1"  # noqa: S608
            " ORDER BY seq DESC LIMIT $2",
            str(state),
            limit,
        )
        return [_queued(row) for row in rows]

    async def _moved(self, query: str, *values: Any) -> bool:
        await self._alone()
        return bool(await self._rows(query, *values))

    async def _alone(self) -> None:
        """A claim that cannot see another's would let a later signal overtake an earlier one."""
        await self._lock(Lock.SIGNALS)


def _queued(row: dict[str, Any]) -> QueuedSignal:
    signal = Signal(
        signal_id=row["signal_id"],
        symbol=row["symbol"],
        timeframe=Timeframe(row["timeframe"]),
        side=Side(row["side"]),
        confidence=row["confidence"],
        sl_pips=row["sl_pips"],
        tp_pips=row["tp_pips"],
        price=row["price"],
        timestamp=row["ts"],
        meta=read(row["meta"].encode()),
    )
    return QueuedSignal(
        signal=signal,
        seq=row["seq"],
        state=SignalState(row["status"]),
        attempts=row["attempts"],
        created_at=row["created_at"],
        claim=row["claim"],
        reason=row["reason"],
    )
