"""Bundles in parts on a real database, and what retention may remove of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from bot import jobs, reports
from bot.settings import Settings
from bot.wiring import build_work
from bot.world import build_world
from broker.feeds.recorded import shipped_recording
from engine.domain.decision import Action, Entry
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, Headline
from engine.domain.state import Control
from engine.domain.wording import Reply, Verdict
from engine.errors import InvalidInput, SnapshotNotFound
from engine.flow.evaluations import snapshot_of
from engine.flow.judgement import consider
from engine.flow.replay import Replay, ReplayDecision, ReplayHistory
from engine.flow.retention import RetireBundles
from engine.snapshot import parts
from engine.snapshot.canonical import digest, plain
from engine.snapshot.indicators import WINDOW, compute
from engine.snapshot.recent import Recent
from engine.strategies.documents import shipped
from storage.audit import PostgresAuditor
from storage.seed import seed
from storage.transaction import PostgresStore
from tests.builders import HOUR, NOW, account, bundle, calendar, position, quote, release
from tests.conftest import Database
from tests.integration.conftest import START, RecordingBell

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


class TestParts:
    """What is stored of a bundle, and how it is read."""

    async def test_bundles_of_successive_bars_come_back_from_shared_parts(
        self, store: PostgresStore, role: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = [seen(bar) for bar in range(12)]
        async with store.begin() as tx:
            hashes = [await tx.bundles.put(one) for one in made]
        monkeypatch.setattr(parts, "_READ", Recent(1000))
        async with store.begin() as tx:
            assert [await tx.bundles.get(hash_) for hash_ in hashes] == made
        assert await count(role, "snapshot_bundle") == 12
        stored = await role.fetch("SELECT hash FROM snapshot_part")
        assert {row["hash"] for row in stored} == {n for one in made for n in parts.pack(one).parts}

    async def test_tables_of_source_004_are_drawn_once_for_each_bundle(
        self, store: PostgresStore, role: asyncpg.Connection
    ) -> None:
        made = replace(seen(3), positions=(position(),))

        async def put() -> None:
            async with store.begin() as tx:
                await tx.bundles.put(made)

        await asyncio.gather(*(put() for _ in range(5)))
        candle = made.candles[-1]
        row = await role.fetchrow("SELECT * FROM snapshot_market")
        assert (row["symbol"], row["timeframe"], row["time"]) == ("EURUSD", "H1", candle.time)
        assert [row[n] for n in ("open", "high", "low", "close", "volume")] == [
            candle.open, candle.high, candle.low, candle.close, candle.volume,
        ]  # fmt: skip
        row = await role.fetchrow(
            "SELECT *, macd ->> 'signal' AS signal, values ->> 'ema_20' AS ema"
            " FROM snapshot_indicators"
        )
        assert row["rsi_14"] == made.indicators.rsi_14
        assert abs(row["atr"] - made.indicators.atr_14) < 1e-6
        assert (row["signal"], row["ema"]) == (
            str(made.indicators.macd_signal), str(made.indicators.ema_20)
        )  # fmt: skip
        row = await role.fetchrow("SELECT * FROM snapshot_account")
        assert (row["account_id"], row["equity"], row["open_positions"]) == (
            "paper-1", account().equity, 1
        )  # fmt: skip
        row = await role.fetchrow("SELECT * FROM snapshot_calendar")
        assert (row["title"], row["impact_level"]) == ("Payrolls", "high")
        row = await role.fetchrow("SELECT * FROM snapshot_news")
        assert (row["source"], row["symbols"]) == ("wire", '["EURUSD"]')
        for table in ("market", "indicators", "account", "calendar", "news"):
            assert await count(role, f"snapshot_{table}") == 1, table

    async def test_texts_longer_than_their_columns_are_whole_in_the_bundle_and_clipped_in_tables(
        self, store: PostgresStore, role: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Four bytes each and no two alike: what no index entry of a btree could hold.
        text = "".join(chr(0x1F300 + n * 37 % 1501) for n in range(1_000))
        event = replace(release(HOUR), title=text, previous=text, forecast=text, actual=text)
        made = replace(
            seen(0),
            news=(Headline(time=NOW, source=text, text=text),),
            calendar=calendar(event, known_until=seen(0).instant + 100 * HOUR),
        )
        async with store.begin() as tx:
            hash_ = await tx.bundles.put(made)
        monkeypatch.setattr(parts, "_READ", Recent(1000))
        async with store.begin() as tx:
            assert await tx.bundles.get(hash_) == made
        assert await role.fetchval("SELECT headline FROM snapshot_news") == text[:500]
        assert await role.fetchval("SELECT title FROM snapshot_calendar") == text[:200]

    async def test_two_transactions_that_store_the_same_new_parts_do_not_wait_in_a_circle(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        first, second = asyncio.Event(), asyncio.Event()
        apart = WINDOW + 100  # bundles so far apart have no candle in common
        async with store.begin() as tx:
            await tx.bundles.put(seen(2 * apart))

        async def put(bars: tuple[int, int], mine: asyncio.Event, other: asyncio.Event) -> None:
            async with store.begin() as tx:
                for bar in bars:
                    # Not the same bundles: what the two share is their parts alone.
                    await tx.bundles.put(replace(seen(bar), settings_version=bars[0] + 1))
                    mine.set()
                    for _ in range(1_000):
                        if other.is_set() or await owner.fetchval(
                            "SELECT count(*) FROM pg_locks WHERE NOT granted"
                        ):
                            break
                        await asyncio.sleep(0.01)

        mine = asyncio.create_task(put((0, apart), first, second))
        await first.wait()
        await asyncio.gather(mine, put((apart, 0), second, first))
        assert await count(owner, "snapshot_bundle") == 5
        assert (await PostgresAuditor().verify())[1] == ()

    async def test_parts_of_a_transaction_that_failed_are_stored_by_the_next(
        self, store: PostgresStore, role: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail() -> None:
            async with store.begin() as tx:
                await tx.bundles.put(seen(0))
                raise RuntimeError("the disk is full")

        with pytest.raises(RuntimeError):
            await fail()
        assert await count(role, "snapshot_part") == 0
        async with store.begin() as tx:
            hash_ = await tx.bundles.put(seen(0))
        monkeypatch.setattr(parts, "_READ", Recent(1000))
        async with store.begin() as tx:
            assert await tx.bundles.get(hash_) == seen(0)

    async def test_a_bundle_whose_part_is_gone_is_not_read_as_whole(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        async with store.begin() as tx:
            hash_ = await tx.bundles.put(seen(0))
        await owner.execute("ALTER TABLE snapshot_part DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM snapshot_part WHERE cardinality(parts) = 0")
        with pytest.raises(InvalidInput, match="is missing"):
            async with store.begin() as tx:
                await tx.bundles.get(hash_)

    @pytest.mark.parametrize(
        ("edit", "problem"),
        [
            ("UPDATE snapshot_part SET body = set_byte(body, 9, get_byte(body, 9) # 1)"
             " WHERE hash = (SELECT hash FROM snapshot_part WHERE parts = '{}' LIMIT 1)",
             "its bytes are not those hashed"),
            ("UPDATE snapshot_part SET parts = parts[2:] WHERE parts <> '{}'",
             "column parts differs from its bytes"),
            ("UPDATE snapshot_bundle SET parts = '{}'", "column parts differs from its bytes"),
            ("DELETE FROM snapshot_part WHERE hash = (SELECT parts[3] FROM snapshot_part"
             " WHERE cardinality(parts) > 3 LIMIT 1)", "is missing or damaged"),
        ],
    )  # fmt: skip
    async def test_edit_of_a_part_behind_our_back_is_named(
        self, store: PostgresStore, owner: asyncpg.Connection, edit: str, problem: str
    ) -> None:
        seq, _ = await record(store, owner, seen(0))
        await owner.execute("ALTER TABLE snapshot_part DISABLE TRIGGER ALL")
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        assert (await PostgresAuditor().verify())[1] == ()
        await owner.execute(edit)
        _, faults = await PostgresAuditor().verify()
        assert any(problem in fault.problem for fault in faults)
        assert any(fault.record == f"decision {seq}" for fault in faults)


class TestRetention:
    """Old no-trades lose their bundle; nothing else does."""

    async def test_old_bundles_of_no_trades_go_with_the_parts_only_they_need(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        old, removed = await record(store, owner, seen(0), days=DAYS + 1)
        kept = [
            await record(store, owner, seen(1), days=DAYS - 1),
            await record(store, owner, seen(2), days=DAYS + 1, action=Action.AI_PROPOSED),
        ]
        assert await RetireBundles(store=store)() == 1
        assert await RetireBundles(store=store)() == 0
        left = {row["hash"] for row in await owner.fetch("SELECT hash FROM snapshot_bundle")}
        assert left == {hash_ for _, hash_ in kept}
        named = {n for bar in (1, 2) for n in parts.pack(seen(bar)).parts}
        assert {r["hash"] for r in await owner.fetch("SELECT hash FROM snapshot_part")} == named
        async with store.begin() as tx:
            (note,) = await tx.history.list(actions=(Action.BUNDLES_RETIRED,), limit=9)
            assert await tx.bundles.get(kept[0][1]) == seen(1)
        assert (note.entry.detail["count"], note.entry.detail["digest"]) == (
            1, digest(removed.encode())
        )  # fmt: skip
        assert await PostgresAuditor().verify() == (4, ())
        with pytest.raises(SnapshotNotFound, match=r"was removed on \d{4}-\d\d-\d\d by retention"):
            await ReplayDecision(store=store)(old)
        replayed = {seq: done async for seq, done in ReplayHistory(store=store)()}
        assert isinstance(replayed[old], SnapshotNotFound)
        for seq, _ in kept:
            done = replayed[seq]
            assert isinstance(done, Replay)
            assert done.differences == ()

    @pytest.mark.parametrize("page", [1, 2, 3])
    async def test_pages_of_the_history_lose_no_decision(
        self,
        store: PostgresStore,
        owner: asyncpg.Connection,
        monkeypatch: pytest.MonkeyPatch,
        page: int,
    ) -> None:
        for bar in (0, 0, 1, 1, 1):
            await record(store, owner, seen(bar))
        monkeypatch.setattr("engine.flow.replay._PAGE", page)
        replayed = [(seq, done) async for seq, done in ReplayHistory(store=store)()]
        assert [seq for seq, _ in replayed] == [5, 4, 3, 2, 1]
        assert all(isinstance(done, Replay) and done.differences == () for _, done in replayed)

    async def test_a_bundle_seen_again_lately_or_held_by_an_idea_stays(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        await record(store, owner, seen(0))
        await record(store, owner, seen(0), days=DAYS + 1)
        _, hash_ = await record(store, owner, seen(1), days=DAYS + 1)
        await owner.execute(
            "INSERT INTO trade_ideas (id, number, symbol, timeframe, direction, entry_price,"
            " stop_loss, take_profit, rationale, confidence_score, status, strategy_id,"
            " snapshot_ref, document, market_time, created_at, updated_at)"
            " VALUES ($1, 1, 'EURUSD', 'H1', 'buy', 1, 1, '[]', '', 1, 'expired', $1, $2, '{}',"
            " now(), now(), now())",
            UUID(int=1), hash_,
        )  # fmt: skip
        assert await RetireBundles(store=store)() == 0

    async def test_a_folded_no_loses_its_bundle_like_any_other(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        for bar, days in ((0, DAYS + 1), (1, DAYS - 1)):
            await fold(store, owner, seen(bar), days=days)
        assert await RetireBundles(store=store)() == 1
        left = await owner.fetchval("SELECT array_agg(hash) FROM snapshot_bundle")
        assert left == [parts.pack(seen(1)).hash]
        assert await PostgresAuditor().verify() == (1, ())

    @pytest.mark.parametrize("retired", [False, True])
    async def test_a_missing_bundle_of_a_folded_no_is_a_fault(
        self, store: PostgresStore, owner: asyncpg.Connection, retired: bool
    ) -> None:
        if retired:
            await record(store, owner, seen(0), days=DAYS + 1)
            assert await RetireBundles(store=store)() == 1
        await fold(store, owner, seen(1), days=1)
        assert (await PostgresAuditor().verify())[1] == ()
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM snapshot_bundle")
        _, faults = await PostgresAuditor().verify()
        assert [fault.record for fault in faults] == ["evaluation 1"]

    async def test_nothing_waits_for_a_search_that_finds_nothing(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        await record(store, owner, seen(0))
        async with store.begin() as tx:
            assert await tx.bundles.retire(await tx.now() - timedelta(days=DAYS), 10) == ()
            held = await owner.fetchval(
                "SELECT count(*) FROM pg_locks WHERE mode = 'ShareRowExclusiveLock'"
            )
        assert held == 0

    @pytest.mark.parametrize("days", [None, -1])
    async def test_no_setting_lets_a_fresh_bundle_be_removed(
        self,
        store: PostgresStore,
        owner: asyncpg.Connection,
        role: asyncpg.Connection,
        days: int | None,
    ) -> None:
        await record(store, owner, seen(0))
        for table in ("settings_version", "strategy_version"):
            for attack in (f"DELETE FROM {table}", f"UPDATE {table} SET reason = ''"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await role.execute(attack)
        if days is None:
            await owner.execute("DELETE FROM settings_version")
        else:
            await role.execute(
                "INSERT INTO settings_version VALUES (9, $1, 'x', '', now())",
                json.dumps({"bundle_retention_days": days}),
            )
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="younger than"):
            await role.execute("DELETE FROM snapshot_bundle")

    async def test_a_retirement_with_a_cutoff_yet_to_come_excuses_nothing(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        seq, _ = await record(store, owner, seen(0))
        async with store.begin() as tx:
            now = await tx.now()
            await tx.history.append(
                Entry(action=Action.BUNDLES_RETIRED, occurred_at=now, actor="test", rationale="",
                      detail={"cutoff": (now + timedelta(days=1)).isoformat()})
            )  # fmt: skip
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM snapshot_bundle")
        _, faults = await PostgresAuditor().verify()
        assert [fault.record for fault in faults] == [f"decision {seq}"]

    async def test_a_bundle_is_stored_whole_again_after_its_parts_were_removed(
        self, store: PostgresStore, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await record(store, owner, seen(0), days=DAYS + 1)
        assert await RetireBundles(store=store)() == 1
        assert await count(owner, "snapshot_part") == 0
        _, hash_ = await record(store, owner, seen(0))
        monkeypatch.setattr(parts, "_READ", Recent(1000))
        async with store.begin() as tx:
            assert await tx.bundles.get(hash_) == seen(0)
        assert (await PostgresAuditor().verify())[1] == ()

    async def test_a_bundle_that_comes_while_its_parts_are_removed_is_whole(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        await record(store, owner, seen(0), days=DAYS + 1)

        removing = asyncio.Event()

        async def put() -> str:
            await removing.wait()
            async with store.begin() as tx:
                return await tx.bundles.put(replace(seen(0), settings_version=2))

        # A task made inside the block below would join its transaction.
        other = asyncio.create_task(put())
        async with store.begin() as tx:
            now = await tx.now()
            assert await tx.bundles.retire(now - timedelta(days=DAYS), 10)
            removing.set()
            for _ in range(1_000):
                if await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    break
                await asyncio.sleep(0.01)
            await tx.history.append(
                Entry(action=Action.BUNDLES_RETIRED, occurred_at=now, actor="test", rationale="",
                      detail={"cutoff": (now - timedelta(days=DAYS)).isoformat()})
            )  # fmt: skip
        hash_ = await other
        async with store.begin() as tx:
            await tx.bundles.get(hash_)
        assert (await PostgresAuditor().verify())[1] == ()

    async def test_a_missing_bundle_is_a_fault_where_no_later_retirement_covers_it(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        await record(store, owner, seen(0), days=DAYS + 1)
        assert await RetireBundles(store=store)() == 1
        late = [
            await record(store, owner, seen(1), days=DAYS + 1),  # after the retirement
            await record(store, owner, seen(2), days=1),
            await record(store, owner, seen(3), days=DAYS + 1, action=Action.AI_PROPOSED),
        ]
        assert (await PostgresAuditor().verify())[1] == ()
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM snapshot_bundle")
        _, faults = await PostgresAuditor().verify()
        assert [fault.record for fault in faults] == [f"decision {seq}" for seq, _ in late]

    @pytest.mark.parametrize(
        ("days", "action", "words"),
        [
            (DAYS - 1, Action.NO_TRADE, "younger than the retention in force"),
            (DAYS + 1, Action.ORDER_SENDING, "more than a no-trade rests on"),
            (DAYS + 1, Action.NO_TRADE, "removed without a record"),
        ],
    )
    @pytest.mark.parametrize("replica", [False, True])
    async def test_nobody_removes_a_bundle_by_hand(
        self,
        store: PostgresStore,
        owner: asyncpg.Connection,
        role: asyncpg.Connection,
        days: float,
        action: Action,
        words: str,
        replica: bool,
    ) -> None:
        await record(store, owner, seen(0), days=days, action=action)
        who = owner if replica else role
        if replica:
            await owner.execute("SET session_replication_role = replica")
        else:
            await role.execute("CREATE TEMPORARY TABLE decision_history (snapshot_ref text)")
            await role.execute("CREATE TEMPORARY TABLE settings_version (document jsonb)")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=words):
            await who.execute("DELETE FROM snapshot_bundle")
        assert await count(owner, "snapshot_bundle") == 1

    @pytest.mark.parametrize(
        "attack",
        [
            "DELETE FROM snapshot_part",
            "DELETE FROM snapshot_part WHERE parts = '{}'",
            "UPDATE snapshot_part SET body = ''",
            "TRUNCATE snapshot_part",
            "TRUNCATE snapshot_bundle",
        ],
    )
    async def test_parts_that_are_needed_cannot_be_touched(
        self,
        store: PostgresStore,
        owner: asyncpg.Connection,
        role: asyncpg.Connection,
        attack: str,
    ) -> None:
        await record(store, owner, seen(0), days=DAYS + 1)
        with pytest.raises((asyncpg.IntegrityConstraintViolationError,
                            asyncpg.InsufficientPrivilegeError)):  # fmt: skip
            await role.execute(attack)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await owner.execute(attack)


class TestCommands:
    """``ai-trader replay`` over the same history."""

    @pytest.fixture
    async def settings(
        self, store: PostgresStore, owner: asyncpg.Connection, database: Database
    ) -> Settings:
        """Three records: one that is equal, one whose bundle was removed, one of the removal."""
        await record(store, owner, seen(0), days=DAYS + 1)
        await record(store, owner, seen(1))
        await RetireBundles(store=store)()
        return Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]

    async def test_replay_of_everything_counts_what_cannot_be_replayed(
        self, settings: Settings
    ) -> None:
        said: list[str] = []
        assert await reports.replay_all(settings, say=said.append) == reports.CLEAN
        assert said == ["1 equal, 0 different, 2 without a market snapshot"]

    async def test_replay_of_everything_names_a_damaged_bundle(
        self, settings: Settings, owner: asyncpg.Connection
    ) -> None:
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        await owner.execute("UPDATE snapshot_bundle SET body = '\\x00'")
        said: list[str] = []
        assert await reports.replay_all(settings, say=said.append) == reports.FAULTY
        assert "decision 2 cannot be computed again" in said[0]
        assert said[1] == "0 equal, 1 different, 2 without a market snapshot"

    async def test_replay_of_one_prints_json(self, settings: Settings) -> None:
        said: list[str] = []
        assert await reports.replay_one(settings, 2, [], say=said.append, as_json=True) == 0
        document = json.loads("".join(said))
        assert document["market"]["price"]["close"] == float(seen(1).candles[-1].close)
        assert (document["decision"]["id"], document["differences"]) == (2, [])


async def test_the_nightly_job_forgets_what_a_model_was_asked_as_the_settings_say(
    store: PostgresStore, database: Database
) -> None:
    settings = Settings(_env_file=None, database_url=database.url, llm_keep_days=2)  # type: ignore[call-arg]
    world = build_world(settings)
    asked = Reply(
        person_id=7, language="en", question="how so?", verdict=Verdict.UNAVAILABLE,
        reason="timeout", looked_up=(), said="", text="", model=None, asked_tokens=0,
        said_tokens=0, at=NOW,
    )  # fmt: skip
    async with store.begin() as tx:
        now = await tx.now()
        for days in (1, 3):
            at = now - timedelta(days=days)
            await tx.inquiries.keep(replace(asked, question=f"{days}", at=at))
    await jobs.retire({"work": build_work(world, RecordingBell())})
    async with store.begin() as tx:
        assert [reply.question for reply in await tx.inquiries.replies(10)] == ["1"]
    await world.close()
