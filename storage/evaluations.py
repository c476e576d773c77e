"""Which candles were judged, and how each strategy answered."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.domain.decision import GateSnapshot
from engine.domain.market import Timeframe
from engine.ports.evaluations import Closed, Watched
from storage.table import Table

_COLUMNS = (
    "ts_utc, pair, timeframe, strategy_id, strategy_version, strategy, final_signal, reason,"
    " closed, signature, repeats, snapshot_ref"
)

# One statement for any number of rows: the columns come as arrays.
_RECORD = f"""
INSERT INTO gate_snapshots ({_COLUMNS})
SELECT ts, pair, timeframe, strategy_id, version, strategy, signal, reason, closed::jsonb,
       signature, repeats, ref
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::uuid[], $5::int[], $6::text[],
            $7::text[], $8::text[], $9::text[], $10::text[], $11::int[], $12::text[])
     AS row(ts, pair, timeframe, strategy_id, version, strategy, signal, reason, closed, signature,
            repeats, ref)
"""  # noqa: S608

# The last row of each strategy by the index, however long the table is.
_LATEST = f"""
SELECT {_COLUMNS} FROM unnest($1::text[], $2::text[]) AS watched (symbol, frame)
CROSS JOIN strategies AS s
CROSS JOIN LATERAL (
    SELECT * FROM gate_snapshots
    WHERE pair = watched.symbol AND timeframe = watched.frame AND strategy_id = s.id
    ORDER BY id DESC LIMIT 1
) AS last
"""  # noqa: S608

# In one order for all, so that two that claim the same candles never wait for each other.
_CLAIM = """
INSERT INTO evaluation (symbol, timeframe, candle_time, created_at)
SELECT symbol, timeframe, candle, clock_timestamp()
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS closed (symbol, timeframe, candle)
ORDER BY symbol, timeframe, candle
ON CONFLICT DO NOTHING RETURNING symbol, timeframe, candle_time
"""


class EvaluationTable(Table):
    """The port ``Evaluations`` in one transaction."""

    async def claim(self, candles: Collection[Closed]) -> Set[Closed]:
        # Rows are asked for because the driver's count is not the number of rows of an INSERT.
        rows = await self._rows(_CLAIM, *_columns(candles, 3))
        return {(row["symbol"], Timeframe(row["timeframe"]), row["candle_time"]) for row in rows}

    async def known(self, symbol: str, timeframe: Timeframe, candle: datetime) -> bool:
        rows = await self._rows(
            "SELECT EXISTS (SELECT 1 FROM evaluation"
            " WHERE symbol = $1 AND timeframe = $2 AND candle_time = $3)"
            " OR EXISTS (SELECT 1 FROM control WHERE state = 'emergency_stop') AS known",
            symbol,
            str(timeframe),
            candle,
        )
        return bool(rows[0]["known"])

    async def latest(
        self, watched: Collection[Watched]
    ) -> Mapping[Watched, Mapping[UUID, GateSnapshot]]:
        found: defaultdict[Watched, dict[UUID, GateSnapshot]] = defaultdict(dict)
        for row in await self._rows(_LATEST, *_columns(watched, 2)):
            seen = _snapshot(row)
            found[seen.symbol, seen.timeframe][seen.strategy_id] = seen
        return found

    async def record(self, evaluations: Sequence[GateSnapshot]) -> None:
        if not evaluations:
            return
        columns = zip(
            *(
                (
                    e.market_time, e.symbol, str(e.timeframe), e.strategy_id, e.strategy_version,
                    e.strategy_name, e.final_signal, e.reason, json.dumps(e.closed), e.signature,
                    e.repeats, e.bundle_hash,
                )
                for e in evaluations
            ),
            strict=True,
        )  # fmt: skip
        await self._connection.execute_query(_RECORD, [list(column) for column in columns])


def _columns(rows: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(width)]


def _snapshot(row: Mapping[str, Any]) -> GateSnapshot:
    return GateSnapshot(
        market_time=row["ts_utc"],
        symbol=row["pair"],
        timeframe=Timeframe(row["timeframe"]),
        strategy_id=row["strategy_id"],
        strategy_version=row["strategy_version"],
        strategy_name=row["strategy"],
        final_signal=row["final_signal"],
        reason=row["reason"],
        closed=tuple(json.loads(row["closed"])),
        signature=row["signature"],
        repeats=row["repeats"],
        bundle_hash=row["snapshot_ref"],
    )
