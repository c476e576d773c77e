"""Pages of the filtered history over millions of records, by the code that answers ``/history``.

The records are made by the server, a batch a statement, with texts of about 300 bytes (real ones
have 1 to 4 KB, which a page of ten hardly feels) and hashes that only look like some. The indexes
are built after the rows; the triggers stay on.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from time import perf_counter
from typing import Any

import asyncpg

from engine.domain.decision import Action
from storage.embedded import Servers
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.common import percentile

_BATCH = 500_000
_UNIQUE = "decision_history_previous_hash_key"
_SIZE = 10
_LIMIT_MS = 200.0
_BEGIN, _EVERY = datetime(2020, 1, 1, tzinfo=UTC), timedelta(seconds=7)
_WARM_UP = 6  # pages that are not counted: the connection learns its statements
#: Half the ideas are EURUSD's; one symbol is rare, one was traded in the first tenth only.
_INSERT = """
INSERT INTO decision_history
SELECT n, (md5(n::text))::uuid, at, at, symbol, action, 'ai',
       '+ ema_trend with_trade: bullish; - rsi_below 30: 48.2', score,
       'none:conditions', '11111111-1111-5111-8111-111111111111', idea, NULL, false,
       json_build_object(
           'action', action, 'occurred_at', at, 'market_time', at, 'actor', 'ai',
           'rationale', '+ ema_trend with_trade: bullish; - rsi_below 30: 48.2',
           'symbol', symbol, 'confidence_score', score::text, 'idea_id', idea,
           'risk_check_result', 'none:conditions', 'strategy_version', 1, 'detail', '{}'::json
       )::text,
       md5((n - 1)::text) || md5((n - 1)::text), md5(n::text) || md5(n::text)
FROM (
    SELECT n, $4::timestamptz + n * $5::interval AS at, symbol, action,
           CASE WHEN action <> 'no_trade' THEN 70.25 END AS score,
           CASE WHEN action <> 'no_trade' THEN md5((n / 4)::text)::uuid END AS idea
    FROM (
        SELECT n,
               CASE WHEN r < 0.0001 THEN 'NZDUSD'
                    WHEN n < $3 / 10 AND r < 0.2 THEN 'USDCHF'
                    WHEN r < 0.6 THEN 'EURUSD'
                    ELSE (ARRAY['GBPUSD','USDJPY','XAUUSD','AUDUSD'])[1 + (n * 7 % 4)::int] END
                   AS symbol,
               CASE WHEN a < 0.9 THEN 'no_trade' WHEN a < 0.93 THEN 'risk_rejected'
                    WHEN a < 0.95 THEN 'ai_proposed' WHEN a < 0.96 THEN 'human_approved'
                    WHEN a < 0.97 THEN 'order_filled' WHEN a < 0.98 THEN 'position_closed'
                    WHEN a < 0.9999 THEN 'idea_expired' ELSE 'order_unknown' END AS action
        FROM (SELECT n, random() AS r, random() AS a FROM generate_series($1::bigint, $2) n) drawn
    ) named
) made
"""
_COMMON = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "AUDUSD")
_ACTIONS = (Action.NO_TRADE, Action.RISK_REJECTED, Action.AI_PROPOSED, Action.ORDER_FILLED)
_SEVERAL = (Action.AI_PROPOSED, Action.HUMAN_APPROVED, Action.ORDER_FILLED, Action.POSITION_CLOSED)
#: name -> what each page is asked for; a tuple of choices is drawn from anew for every page
_FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "symbol": {"symbol": _COMMON},
    "action": {"action": _ACTIONS},
    "symbol and action": {"symbol": _COMMON, "action": _ACTIONS},
    "four actions": {"actions": _SEVERAL},
    "symbol and four actions": {"symbol": _COMMON, "actions": _SEVERAL},
    "rare symbol": {"symbol": ("NZDUSD",)},
    "rare action": {"action": (Action.ORDER_UNKNOWN,)},
    "symbol no longer traded": {"symbol": ("USDCHF",)},
    "the same and action": {"symbol": ("USDCHF",), "action": _ACTIONS},
    "the same and four actions": {"symbol": ("USDCHF",), "actions": _SEVERAL},
}


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """p50 and p99 of page 1 and page 100 for every filter."""
    parser = ArgumentParser(prog="history-pages", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pages", type=int, default=300, help="pages asked for per filter")
    wanted = parser.parse_args(arguments)
    async with histories.scratch(servers, "pages") as (_, owner_url):
        owner = await asyncpg.connect(owner_url)
        start = perf_counter()
        await fill(owner, wanted.rows)
        print(f"{wanted.rows:,} records made in {perf_counter() - start:.0f} s")
        for name, choices in _FILTERS.items():
            for number in (1, 100):
                await _measure(f"{name}, page {number}", choices, number, wanted.pages)
        await owner.close()


async def fill(owner: Any, rows: int, begin: datetime = _BEGIN, every: timedelta = _EVERY) -> None:
    """Make so many records, one after another from an instant of the market on."""
    indexes = await owner.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'decision_history'"
        " AND indexname <> 'decision_history_pkey' AND indexname <> $1",
        _UNIQUE,
    )
    await owner.execute(f"ALTER TABLE decision_history DROP CONSTRAINT {_UNIQUE}")
    for index in indexes:
        await owner.execute(f"DROP INDEX {index['indexname']}")
    for first in range(1, rows + 1, _BATCH):
        await owner.execute(_INSERT, first, min(first + _BATCH - 1, rows), rows, begin, every)
    await owner.execute("SET maintenance_work_mem = '256MB'")
    for index in indexes:
        await owner.execute(index["indexdef"])
    await owner.execute(
        f"ALTER TABLE decision_history ADD CONSTRAINT {_UNIQUE} UNIQUE (previous_hash)"
    )
    await owner.execute("VACUUM ANALYZE decision_history")


async def _measure(name: str, choices: dict[str, Any], number: int, pages: int) -> None:
    chance, taken = Random(1), []
    ends: dict[Any, int | None] = {}
    for page in range(-_WARM_UP, pages):
        filters: dict[str, Any] = {"actions": choices.get("actions", ())}
        if "symbol" in choices:
            filters["symbol"] = chance.choice(choices["symbol"])
        if "action" in choices:
            filters["actions"] = (chance.choice(choices["action"]),)
        key = tuple(filters.values())
        if key not in ends:
            ends[key] = await _end_of(filters, (number - 1) * _SIZE)
        start = perf_counter()
        async with PostgresStore().begin() as tx:
            await tx.history.list(**filters, before=ends[key], limit=_SIZE)
        if page >= 0:
            taken.append((perf_counter() - start) * 1e3)
    half, most = percentile(taken, 50), percentile(taken, 99)
    ratio = f"{_LIMIT_MS / most:6.1f} × faster than 200 ms"
    print(f"{name:<44} p50 {half:6.2f} ms   p99 {most:6.2f} ms   {ratio}", flush=True)


async def _end_of(filters: dict[str, Any], records: int) -> int | None:
    """The last of so many records, where the next page begins."""
    if not records:
        return None
    async with PostgresStore().begin() as tx:
        found = await tx.history.list(**filters, limit=records)
    return found[-1].seq
