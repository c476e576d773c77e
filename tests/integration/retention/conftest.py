"""Bundles in a real database, and their age turned back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from broker.feeds.recorded import shipped_recording
from engine.domain.decision import Action, Entry
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, Headline
from engine.domain.state import Control
from engine.flow.evaluations import snapshot_of
from engine.flow.judgement import consider
from engine.snapshot import parts
from engine.snapshot.canonical import plain
from engine.snapshot.indicators import WINDOW, compute
from engine.snapshot.recent import Recent
from engine.strategies.documents import shipped
from storage.seed import seed
from storage.transaction import PostgresStore
from tests.builders import HOUR, NOW, bundle, calendar, quote, release
from tests.conftest import Database
from tests.integration.conftest import START

DAYS = 90


@pytest.fixture
async def store(opened: Database, monkeypatch: pytest.MonkeyPatch) -> PostgresStore:
    """A store with settings; what earlier tests read is forgotten."""
    monkeypatch.setattr(parts, "_READ", Recent(1000))
    await seed(shipped(), RiskSettings(bundle_retention_days=DAYS), Control(changed_at=START))
    return PostgresStore()


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def role(database: Database, store: PostgresStore) -> AsyncIterator[asyncpg.Connection]:
    """The run-time role, by hand."""
    connection = await asyncpg.connect(database.url)
    yield connection
    await connection.close()


def seen(bar: int) -> Bundle:
    """The recorded market after so many bars, with news and a calendar."""
    shown = tuple(shipped_recording().candles[bar : bar + WINDOW])
    at, bid = shown[-1].time + HOUR, shown[-1].close
    now, before = compute(shown, digits=5)
    return bundle(
        candles=shown,
        instant=at,
        indicators=now,
        indicators_before=before,
        quote=quote(f"{bid}", f"{bid}", at=at),
        calendar=calendar(release(HOUR), known_until=at + 100 * HOUR),
        news=(Headline(time=NOW, source="wire", text="Nothing happened", symbols=("EURUSD",)),),
        strategies=shipped(),
    )


async def record(
    store: PostgresStore,
    owner: asyncpg.Connection,
    made: Bundle,
    *,
    action: Action = Action.NO_TRADE,
    days: float = 0,
) -> tuple[int, str]:
    """Store a bundle and a record that rests on it, both so many days ago."""
    strategy = made.strategies[0]
    async with store.begin() as tx:
        hash_ = await tx.bundles.put(made)
        entry = Entry(
            action=action, occurred_at=await tx.now() - timedelta(days=days), actor="ai",
            rationale="", symbol=made.symbol, market_time=made.instant, bundle_hash=hash_,
            strategy_id=strategy.id, strategy_version=strategy.version,
            detail={"outcome": plain(consider(strategy, made))},
        )  # fmt: skip
        decision = await tx.history.append(entry)
    await age(owner, hash_, days)
    return decision.seq, hash_


async def fold(
    store: PostgresStore, owner: asyncpg.Connection, made: Bundle, *, days: float
) -> None:
    """Store a bundle and a repeated no that rests on it, both so many days ago."""
    strategy = made.strategies[0]
    async with store.begin() as tx:
        hash_ = await tx.bundles.put(made)
        row = snapshot_of(strategy, made, hash_, consider(strategy, made), None)
        at = await tx.now() - timedelta(days=days)
        await tx.evaluations.record([replace(row, market_time=at, repeats=1)])
    await age(owner, hash_, days)


async def age(owner: asyncpg.Connection, hash_: str, days: float) -> None:
    # Time cannot be waited for; only the owner can turn it back.
    await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER snapshot_bundle_rows")
    await owner.execute(
        "UPDATE snapshot_bundle SET created_at = clock_timestamp() - make_interval(secs => $2)"
        " WHERE hash = $1",
        hash_, days * 86_400,
    )  # fmt: skip
    await owner.execute("ALTER TABLE snapshot_bundle ENABLE ALWAYS TRIGGER snapshot_bundle_rows")


async def count(connection: asyncpg.Connection, table: str) -> int:
    number: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return number
