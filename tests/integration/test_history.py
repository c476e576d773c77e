"""The history is append-only, chained, verifiable, and every decision of it replays."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tortoise.transactions import in_transaction

from engine.domain.decision import Action, Entry
from engine.domain.state import HaltReason, Mode, TradingState
from engine.errors import InvalidInput, SnapshotNotFound
from engine.flow.approvals import Choice
from storage.audit import PostgresAuditor
from storage.chain import GENESIS, content
from storage.history import HistoryTable
from storage.migrate import may_rewrite_history
from tests.conftest import Database
from tests.integration.conftest import ANN, START, Desk

#: What a thief of the run-time role's password would try; the history has records by then.
ATTACKS = (
    "UPDATE decision_history SET rationale = 'x'",
    "DELETE FROM decision_history",
    "TRUNCATE decision_history",
    "TRUNCATE decision_history CASCADE",
    "INSERT INTO decision_history SELECT * FROM decision_history LIMIT 1",
    "INSERT INTO decision_history SELECT * FROM decision_history LIMIT 1"
    " ON CONFLICT (seq) DO UPDATE SET rationale = 'x'",
    "MERGE INTO decision_history d USING (SELECT 1 AS seq) s ON d.seq = s.seq"
    " WHEN MATCHED THEN UPDATE SET rationale = 'x'",
    "MERGE INTO decision_history d USING (SELECT 1 AS seq) s ON d.seq = s.seq"
    " WHEN MATCHED THEN DELETE",
    "SELECT * FROM decision_history FOR UPDATE",
    "ALTER TABLE decision_history DISABLE TRIGGER ALL",
    "ALTER TABLE decision_history DISABLE TRIGGER decision_history_rows",
    "ALTER TABLE decision_history DROP COLUMN rationale",
    "ALTER TABLE decision_history OWNER TO ai_trader",
    "CREATE RULE quiet AS ON INSERT TO decision_history DO INSTEAD NOTHING",
    "CREATE TRIGGER mine BEFORE INSERT ON decision_history"
    " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "DROP TRIGGER decision_history_rows ON decision_history",
    "DROP TABLE decision_history",
    "DROP INDEX decision_history_symbol",
    "DROP FUNCTION refuse_change() CASCADE",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN OLD; END'",
    "CREATE OR REPLACE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
    "GRANT UPDATE ON decision_history TO ai_trader; UPDATE decision_history SET rationale = 'x'",
    "SET session_replication_role = replica",
    "SET ROLE ai_trader_owner",
    "SET SESSION AUTHORIZATION ai_trader_owner",
    "UPDATE history_head SET seq = 0, hash = repeat('0', 64)",
    "UPDATE history_head SET seq = seq + 1",
    "DELETE FROM history_head",
    "TRUNCATE history_head",
    "INSERT INTO history_head VALUES (2, 0, repeat('0', 64))",
    "ALTER TABLE history_head DISABLE TRIGGER ALL",
    "UPDATE snapshot_bundle SET body = ''",
    "CREATE TABLE of_my_own (id int)",
)
#: What the owner of the tables is refused by the triggers, until he switches them off.
OWNER_ATTACKS = (
    *ATTACKS[:4],
    *(attack for attack in ATTACKS if attack.startswith("MERGE")),
    "INSERT INTO decision_history SELECT * FROM decision_history LIMIT 1"
    " ON CONFLICT (seq) DO UPDATE SET rationale = 'x'",
    "UPDATE history_head SET seq = 0, hash = repeat('0', 64)",
    "DELETE FROM history_head",
    "TRUNCATE history_head",
)


SHORT = Entry(
    action=Action.SETTINGS_CHANGED, occurred_at=START, actor="test", rationale="short", detail={}
)


async def busy_desk(desk: Desk) -> Desk:
    """A desk with an approved, filled idea and a few candles around it."""
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    for _ in range(5):
        await desk.next_candle()
    return desk


async def attacked(url: str, attack: str, *before: str) -> None:
    """Try it, be refused, and find everything as it was."""
    connection = await asyncpg.connect(url)
    for statement in before:
        await connection.execute(statement)
    refused = (asyncpg.InsufficientPrivilegeError, asyncpg.IntegrityConstraintViolationError)
    if attack.startswith("MERGE") and connection.get_server_version() < (15,):
        refused = (asyncpg.PostgresSyntaxError,)  # this one knows no MERGE
    with pytest.raises(refused):
        await connection.execute(attack)
    await connection.close()
    assert (await PostgresAuditor().verify())[1] == ()


@pytest.mark.parametrize("attack", ATTACKS)
async def test_runtime_role_cannot_rewrite_anything(
    desk: Desk, database: Database, attack: str
) -> None:
    await desk.next_candle()
    await attacked(database.url, attack)


@pytest.mark.parametrize("attack", OWNER_ATTACKS)
async def test_even_the_owner_is_refused_by_the_triggers(
    desk: Desk, database: Database, attack: str
) -> None:
    await desk.next_candle()
    await attacked(database.owner_url, attack, "SET session_replication_role = replica")


async def test_runtime_role_cannot_copy_a_record_over_another(
    desk: Desk, database: Database
) -> None:
    await desk.next_candle()
    connection = await asyncpg.connect(database.url)
    row = await connection.fetchrow("SELECT * FROM decision_history WHERE seq = 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.copy_records_to_table("decision_history", records=[tuple(row)])
    await connection.close()


async def test_tables_of_a_session_are_not_taken_for_the_history(desk: Desk) -> None:
    """A temporary table comes before all others, but not for the function that appends."""
    await desk.next_candle()
    async with in_transaction() as connection:
        await connection.execute_script(
            "CREATE TEMP TABLE history_head (id int, seq bigint, hash text)"
            " ON COMMIT DROP;"
            "INSERT INTO history_head VALUES (1, 0, repeat('f', 64))"
        )
        decision = await HistoryTable(connection).append(SHORT)
    assert decision.seq > 1
    assert (await PostgresAuditor().verify())[1] == ()


async def test_start_knows_a_role_that_could_rewrite_the_history(database: Database) -> None:
    assert not await may_rewrite_history(database.url)
    assert await may_rewrite_history(database.owner_url)


async def test_untouched_history_has_no_faults(desk: Desk) -> None:
    await busy_desk(desk)
    records, faults = await PostgresAuditor().verify()
    assert records > 10
    assert faults == ()


@pytest.mark.parametrize(
    ("edit", "record", "problem"),
    [
        ("UPDATE decision_history SET body = replace(body, 'EURUSD', 'EURUSX') WHERE seq = 4",
         "decision 4", "its columns or its text are not those that were hashed"),
        ("UPDATE decision_history SET rationale = 'nothing happened' WHERE seq = 3",
         "decision 3", "its columns or its text are not those that were hashed"),
        ("UPDATE decision_history SET confidence_score = 99 WHERE action = 'ai_proposed'",
         None, "its columns or its text are not those that were hashed"),
        ("DELETE FROM decision_history WHERE seq = 2",
         "decision 3", "decision 2 is missing before it"),
        ("DELETE FROM decision_history WHERE seq = (SELECT max(seq) FROM decision_history)",
         None, "the head says the history ends here"),
        ("UPDATE snapshot_bundle SET body = set_byte(body, 200, get_byte(body, 200) # 1)"
         " WHERE hash = (SELECT snapshot_ref FROM decision_history WHERE seq = 1)",
         None, "its bytes are not those hashed"),
        ("DELETE FROM snapshot_bundle"
         " WHERE hash = (SELECT snapshot_ref FROM decision_history WHERE seq = 1)",
         "decision 1", "is missing or damaged"),
    ],
)  # fmt: skip
async def test_edit_behind_our_back_is_named(
    desk: Desk, database: Database, edit: str, record: str | None, problem: str
) -> None:
    await busy_desk(desk)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ALTER TABLE decision_history DISABLE TRIGGER ALL")
    await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
    await owner.execute(edit)
    await owner.close()
    _, faults = await PostgresAuditor().verify()
    assert any(problem in fault.problem for fault in faults)
    assert record is None or any(fault.record == record for fault in faults)


async def test_history_that_does_not_verify_halts_trading_at_the_start(
    desk: Desk, database: Database
) -> None:
    await desk.next_candle()
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ALTER TABLE decision_history DISABLE TRIGGER ALL")
    await owner.execute("UPDATE decision_history SET rationale = 'x' WHERE seq = 1")
    await owner.close()
    found = await desk.work.recover()
    assert found.faults
    control = (await desk.talk.read_status(None)).control
    assert control.state is TradingState.HALTED
    assert control.reason == HaltReason.AUDIT_FAILURE


async def test_writers_that_come_together_make_one_chain(desk: Desk) -> None:
    async def write(number: int) -> None:
        async with desk.world.store.begin() as tx:
            entries = [replace(SHORT, rationale=f"{number}.{part}") for part in range(number % 4)]
            written = await tx.history.extend(entries)
        assert [decision.entry for decision in written] == entries

    await asyncio.gather(*(write(number) for number in range(40)))
    assert await PostgresAuditor().verify() == (60, ())


async def test_database_and_program_compute_the_same_hash(desk: Desk) -> None:
    entry = replace(
        SHORT,
        rationale='ünïcode\n"quoted"\t\\ 漢字 🙂 \u2028',
        confidence_score=Decimal("72.345"),
        market_time=datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        strategy_id=UUID(int=7),
        human_override=True,
        detail={"text": 'line\nfeed, "quotes", 漢字 🙂'},
    )
    async with desk.world.store.begin() as tx:
        first, second = await tx.history.extend((entry, replace(entry, confidence_score=None)))
    assert first.previous_hash == GENESIS
    assert second.previous_hash == first.hash
    assert await PostgresAuditor().verify() == (2, ())


#: Texts that look like lengths and missing columns.
_SLY = st.text("-:0123é", max_size=6)
_THREE = st.tuples(*[st.none() | _SLY] * 3)


@given(columns=_THREE, others=_THREE, body=_SLY, other=_SLY)
def test_different_records_have_different_hashes(columns, others, body, other) -> None:
    same = (columns, body) == (others, other)
    assert (content(columns, body) == content(others, other)) is same


async def test_failed_transaction_leaves_no_record(desk: Desk) -> None:
    async def fail() -> None:
        async with desk.world.store.begin() as tx:
            await tx.history.append(SHORT)
            raise RuntimeError("the disk is full")

    before = await PostgresAuditor().verify()
    with pytest.raises(RuntimeError):
        await fail()
    assert await PostgresAuditor().verify() == before


@pytest.mark.parametrize(
    "actions",
    [(), (Action.NO_TRADE,), (Action.AI_PROPOSED, Action.NO_TRADE, Action.AI_PROPOSED)],
)
@pytest.mark.parametrize("symbol", [None, "EURUSD", "XAUUSD"])
async def test_pages_show_every_record_of_a_filter_once(
    desk: Desk, symbol: str | None, actions: tuple[Action, ...]
) -> None:
    kinds = (Action.NO_TRADE, Action.AI_PROPOSED, Action.IDEA_EXPIRED)
    entries = [
        replace(SHORT, action=kinds[n % 3], symbol=("EURUSD", "XAUUSD", None)[n % 7 % 3])
        for n in range(60)
    ]
    async with desk.world.store.begin() as tx:
        written = await tx.history.extend(entries)
        found: list[int] = []
        while page := await tx.history.list(
            symbol=symbol, actions=actions, before=found[-1] if found else None, limit=7
        ):
            found += [decision.seq for decision in page]
    assert found == [
        decision.seq
        for decision in reversed(written)
        if (symbol is None or decision.entry.symbol == symbol)
        and (not actions or decision.entry.action in actions)
    ]


class TestReplay:
    """Computed again from what was seen."""

    @pytest.fixture
    def mode(self) -> Mode:
        return Mode.AUTONOMOUS

    async def test_every_decision_of_a_run_is_equal_bit_for_bit(self, desk: Desk) -> None:
        for _ in range(60):
            await desk.next_candle()
            await desk.send_all()
        async with desk.world.store.begin() as tx:
            decisions = await tx.history.list(limit=10_000)
        replayed = 0
        for decision in decisions:
            if decision.entry.bundle_hash is None:
                continue
            done = await desk.talk.replay_decision(decision.seq)
            assert done.differences == (), decision
            replayed += 1
        actions = {decision.entry.action for decision in decisions}
        assert {Action.NO_TRADE, Action.AI_AUTO_EXECUTED, Action.ORDER_SENDING} <= actions
        assert replayed > 50

    async def test_what_if_answers_with_other_settings(self, desk: Desk) -> None:
        from engine.domain.idea import IdeaStatus

        idea = await desk.until_idea(IdeaStatus.AUTO_EXECUTED)
        async with desk.world.store.begin() as tx:
            decision = (await tx.history.list(idea_id=idea.id, limit=1))[0]
        score = idea.confidence.score
        done = await desk.talk.replay_decision(
            decision.seq, {"min_confidence_threshold": str(score + Decimal("0.5"))}
        )
        assert done.differences == ()
        assert done.what_if is not None
        assert done.what_if.report is not None
        assert done.what_if.report.verdict == "ask"
        with pytest.raises(InvalidInput, match="no setting"):
            await desk.talk.replay_decision(decision.seq, {"min_confidense": "1"})

    async def test_record_that_was_computed_otherwise_is_named(self, desk: Desk) -> None:
        from engine.flow.replay import replay

        await desk.next_candle()
        async with desk.world.store.begin() as tx:
            decision = (await tx.history.list(limit=1))[0]
            bundle = await tx.bundles.get(decision.entry.bundle_hash or "")
        detail = {"outcome": {**decision.entry.detail["outcome"], "sizing": {"volume": "9"}}}
        forged = replace(decision, entry=replace(decision.entry, detail=detail))
        assert replay(forged, bundle, {}).differences == ("outcome.sizing",)
        drifted = replace(bundle, indicators=replace(bundle.indicators, rsi_14=Decimal("1.00")))
        assert "indicators.rsi_14" in replay(decision, drifted, {}).differences

    async def test_record_without_a_bundle_says_so(self, desk: Desk) -> None:
        await desk.talk.change_control.pause(ANN.id)
        async with desk.world.store.begin() as tx:
            decision = (await tx.history.list(limit=1))[0]
        with pytest.raises(SnapshotNotFound):
            await desk.talk.replay_decision(decision.seq)
