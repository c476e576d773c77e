"""A cycle of 100 symbols × 5 strategies, everything recorded, against a raw COPY of its rows."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from statistics import median
from time import perf_counter
from uuid import uuid5

import asyncpg

from broker.feeds.no_news import NoNews
from engine.domain.decision import Entry
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import CalendarView
from engine.domain.state import Control, Mode, TradingState
from engine.domain.strategy import Strategy
from engine.flow.pipeline import TOGETHER, RunCycle
from engine.snapshot.collect import Collect
from engine.strategies.documents import shipped
from storage.embedded import Servers
from storage.seed import seed
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.still import StillBroker
from tests.integration.conftest import START, RecordingBell
from tests.tapes import Tapes, many

SYMBOLS, STRATEGIES, CYCLES = 100, 5, 8
#: The limit of a cycle.
SECONDS = 2.0
#: Tables a cycle writes besides the history.
_TABLES = (
    "snapshot_part", "snapshot_bundle", "snapshot_market", "snapshot_indicators",
    "snapshot_account", "evaluation", "gate_snapshots", "trade_ideas", "approval",
)  # fmt: skip


class _QuietCalendar:
    async def around(self, instant: object) -> CalendarView:
        return CalendarView(events=(), known_until=instant + timedelta(days=7))  # type: ignore[operator]


def _strategies(symbols: tuple[str, ...]) -> list[Strategy]:
    """Five hourly strategies that watch everything."""
    base = [s for s in shipped() if s.timeframe is Timeframe.H1 and s.is_active]
    return [
        replace(
            base[number % len(base)],
            id=uuid5(base[0].id, str(number)),
            name=f"Bench {number}",
            allowed_symbols=symbols,
        )
        for number in range(STRATEGIES)
    ]


async def run(servers: Servers, _: Sequence[str]) -> None:
    """Print the median cycle, what a COPY of the same rows takes, and both ratios."""
    async with histories.scratch(servers, "cycle") as (_url, owner_url):
        await _measure(owner_url)


async def _measure(url: str) -> None:
    tapes = many(SYMBOLS)
    market, symbols = Tapes(tapes, played=700), tuple(tapes)
    store = PostgresStore()
    broker = StillBroker(market)
    control = Control(
        state=TradingState.RUNNING, reason="bench", mode=Mode.SUPERVISED, changed_at=START
    )
    risk = RiskSettings(min_confidence_threshold=Decimal(0), max_concurrent_trades=1000)
    await seed(_strategies(symbols), risk, control)
    collect = Collect(
        market=market, calendar=_QuietCalendar(), news=NoNews(), broker=broker, store=store
    )  # type: ignore[arg-type]
    cycle = RunCycle(
        collect=collect, store=store, bell=RecordingBell(), account_id=broker.account_id
    )
    watched = [(symbol, Timeframe.H1) for symbol in symbols]
    connection = await asyncpg.connect(url)
    ours, raw, least, records = [], [], [], []
    for _ in range(CYCLES):
        market.advance()
        marks = await _marks(connection)
        start = perf_counter()
        decisions, missing = await cycle.over(watched)
        ours.append(perf_counter() - start)
        assert not missing
        records.append(len(decisions))
        rows = await _new_rows(connection, marks)
        await _copies(connection, rows)
        copied = await _taken(_copy(connection, rows))
        entries = [decision.entry for decision in decisions]
        raw.append(copied + await _taken(_append(store, entries)))
        least.append(copied + await _taken(_extend(store, entries)))
    await connection.close()
    # The first cycle pays for warm caches and writes every strategy's first no.
    usual = slice(1, None)
    mine, theirs, floor = (median(taken[usual]) for taken in (ours, raw, least))
    _say(f"cycle of {SYMBOLS} symbols × {STRATEGIES} strategies", mine, mine / SECONDS, "2 s")
    _say(f"  COPY and appends, {median(records[usual]):.0f} records", theirs, mine / theirs, "it")
    _say("  COPY and appends of a hundred at once", floor, mine / floor, "it")
    _say("the first cycle", ours[0], ours[0] / SECONDS, "2 s")
    _say(f"  COPY and appends, {records[0]} records", raw[0], ours[0] / raw[0], "it")


def _say(name: str, seconds: float, ratio: float, against: str) -> None:
    print(f"{name:<44} {seconds * 1e3:9.0f} ms   the cycle takes {ratio:5.2f} × {against}")


async def _taken(work: Awaitable[object]) -> float:
    start = perf_counter()
    await work
    return perf_counter() - start


async def _marks(connection: asyncpg.Connection) -> dict[str, int]:
    """Where each table ends now."""
    return {
        table: await connection.fetchval(f"SELECT count(*) FROM {table}")
        for table in _TABLES
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table)
    }


async def _new_rows(
    connection: asyncpg.Connection, marks: dict[str, int]
) -> dict[str, list[asyncpg.Record]]:
    """The rows of one cycle, in the order they were written."""
    return {
        table: await connection.fetch(f"SELECT * FROM {table} ORDER BY ctid OFFSET {mark}")
        for table, mark in marks.items()
    }


async def _copies(connection: asyncpg.Connection, rows: dict[str, list[asyncpg.Record]]) -> None:
    """Empty tables of the same shape with the same indexes."""
    for table in rows:
        await connection.execute(
            f"DROP TABLE IF EXISTS copy_{table};"
            f"CREATE TABLE copy_{table} (LIKE {table} INCLUDING ALL)"
        )


async def _copy(connection: asyncpg.Connection, rows: dict[str, list[asyncpg.Record]]) -> None:
    """The same rows by COPY, committed."""
    async with connection.transaction():
        for table, found in rows.items():
            await connection.copy_records_to_table(f"copy_{table}", records=map(tuple, found))


async def _append(store: PostgresStore, entries: list[Entry]) -> None:
    """The chain's appends of the same records, each committed by itself."""
    for entry in entries:
        async with store.begin() as tx:
            await tx.history.append(entry)


async def _extend(store: PostgresStore, entries: list[Entry]) -> None:
    """The same, so many a transaction as a cycle has: the least a chain can cost."""
    for start in range(0, len(entries), TOGETHER * STRATEGIES):
        async with store.begin() as tx:
            await tx.history.extend(entries[start : start + TOGETHER * STRATEGIES])
