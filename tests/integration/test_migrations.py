"""The schema goes up and down, by one process at a time, and is the one the models mean."""

import asyncio
import sys

import asyncpg
from tortoise import Tortoise
from tortoise.migrations.api import migrate as apply_migrations
from tortoise.migrations.autodetector import MigrationAutodetector

from engine.domain.settings import RiskSettings
from engine.domain.state import Control
from engine.strategies.documents import shipped
from storage.database import configuration, open_database
from storage.embedded import Servers
from storage.migrate import migrate
from storage.seed import seed
from tests.conftest import Database
from tests.integration.conftest import START

_SCHEMA = """
SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'risk_config'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT tgname || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1
"""


async def schema(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(_SCHEMA)
    await connection.close()
    return [row[0] for row in rows]


async def test_migrations_go_down_to_nothing_and_up_to_the_same_schema(database: Database) -> None:
    before = await schema(database.owner_url)
    await migrate(database.owner_url, to="__first__")
    tables = [line.split(".")[0] for line in await schema(database.owner_url) if "." in line]
    assert "decision_history" not in tables
    # Up again by Tortoise's own way, which copies every model before every step: ours does not.
    await apply_migrations(config=configuration(database.owner_url, pool=2))
    await Tortoise.close_connections()
    assert await schema(database.owner_url) == before


async def test_every_column_that_a_model_looks_for_has_its_index(database: Database) -> None:
    found = await schema(database.owner_url)
    async with open_database(database.url):
        wanted = {
            f"public.{model._meta.db_table} USING btree"
            f" ({field.source_field or field.model_field_name}"
            for model in Tortoise.apps["storage"].values()
            for field in model._meta.fields_map.values()
            if field.index
        }
    assert wanted
    assert {one for one in wanted if not any(one in line for line in found)} == set()


async def test_rows_of_the_first_release_come_through_every_migration(database: Database) -> None:
    await migrate(database.owner_url, to="0002_rules")
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(
        "INSERT INTO snapshot_bundle (hash, symbol, instant, body, created_at)"
        " VALUES ('old', 'EURUSD', now(), 'x', now())"
    )
    await owner.execute(
        "INSERT INTO trade_ideas (id, number, symbol, timeframe, direction, entry_price,"
        " stop_loss, take_profit, rationale, confidence_score, status, strategy_id,"
        " snapshot_ref, document, created_at, updated_at)"
        " VALUES (gen_random_uuid(), 1, 'EURUSD', 'H1', 'buy', 1, 1, '[]', '', 1, 'expired',"
        " gen_random_uuid(), 'old', '{}', '2024-01-02T03:00Z', now())"
    )
    await migrate(database.owner_url, runtime_role="ai_trader")
    assert await owner.fetchval("SELECT parts FROM snapshot_bundle") == []
    assert await owner.fetchval("SELECT market_time = created_at FROM trade_ideas")
    await owner.close()


async def test_processes_that_migrate_at_once_wait_for_each_other(
    servers: Servers, database: Database
) -> None:
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await owner.close()
    # One process each: Tortoise keeps one configuration per process.
    code = (
        "import asyncio, sys; from storage.migrate import migrate;"
        " asyncio.run(migrate(sys.argv[1]))"
    )
    started = [
        await asyncio.create_subprocess_exec(sys.executable, "-W", "ignore", "-c", code,
                                             database.owner_url)
        for _ in range(3)
    ]  # fmt: skip
    assert [await process.wait() for process in started] == [0, 0, 0]


async def test_models_need_no_further_migration(opened: Database) -> None:
    apps = configuration(opened.url)["apps"]
    detector = MigrationAutodetector(Tortoise.apps, apps)
    assert await detector.changes() == []


async def test_tables_have_the_columns_of_source_004(database: Database) -> None:
    wanted = {
        "strategies": "name is_active allowed_symbols session_windows entry_conditions exit_rules"
        " forbidden_conditions risk_caps rr_expectation created_at updated_at",
        "risk_config": "ai_trading_enabled min_confidence_threshold max_lot_size"
        " max_concurrent_trades daily_profit_target stop_after_target max_drawdown_amount"
        " halt_on_drawdown allow_off_watchlist_autotrade last_halt_reason updated_at",
        "snapshot_market": "symbol timeframe open high low close volume captured_at",
        "snapshot_indicators": "symbol timeframe rsi_14 sma_50 sma_200 macd atr captured_at",
        "snapshot_calendar": "event_time currency impact_level title previous_value"
        " forecast_value actual_value captured_at",
        "snapshot_news": "headline source symbols published_at captured_at",
        "snapshot_account": "balance equity margin_used margin_free open_pl open_positions"
        " captured_at",
        "trade_ideas": "symbol direction entry_price stop_loss take_profit rationale"
        " confidence_score status strategy_id snapshot_ref created_at updated_at",
        "decision_history": "occurred_at symbol action rationale confidence_score"
        " risk_check_result strategy_id trade_idea_id snapshot_ref human_override",
    }
    connection = await asyncpg.connect(database.url)
    for table, columns in wanted.items():
        rows = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = $1", table
        )
        assert set(columns.split()) <= {row["column_name"] for row in rows}, table
    await connection.close()


async def test_seed_fills_an_empty_database_once_and_starts_paused(database: Database) -> None:
    async with open_database(database.url):
        for _ in range(2):
            await seed(shipped(), RiskSettings(), Control(changed_at=START))
    connection = await asyncpg.connect(database.url)
    row = await connection.fetchrow("SELECT * FROM risk_config")
    assert row["ai_trading_enabled"] is False
    assert row["last_halt_reason"] == "fresh_install"
    assert await connection.fetchval("SELECT count(*) FROM strategies") == len(shipped())
    assert await connection.fetchval("SELECT count(*) FROM settings_version") == 1
    await connection.close()


async def test_numbers_that_are_none_are_refused_by_the_database(database: Database) -> None:
    connection = await asyncpg.connect(database.url)
    for price in ("'NaN'", "-1", "0", "1e13"):
        try:
            await connection.execute(
                "INSERT INTO fill (client_id, broker_id, price, volume, time)"
                f" VALUES ('x', 'y', {price}, 1, now())"
            )
        except (asyncpg.CheckViolationError, asyncpg.NumericValueOutOfRangeError):
            continue
        raise AssertionError(f"{price} was stored as a price")
    await connection.close()
