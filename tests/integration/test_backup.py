"""A backup taken while the product works, and a stopped product made from it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from bot.backup_reports import bring_back, make
from bot.processes import prepare
from bot.settings import Settings
from engine.domain.order import OrderState
from engine.domain.position_orders import PositionOrderState
from engine.domain.secret import Secret
from engine.domain.state import TradingState
from engine.domain.terminal import CommandState
from engine.errors import InvalidInput, SecretUnreadable
from engine.flow.approvals import Choice
from storage.backup import manifest_of
from storage.database import open_database
from storage.embedded import Servers
from storage.migrate import migrate
from storage.sealing import KeyRing, new_key_line, read_keys
from storage.transaction import PostgresStore
from tests.conftest import ROLE, Database, _named
from tests.integration.conftest import ANN, Desk


def settings_of(database: Database) -> Settings:
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        database_url=database.url,
        database_owner_url=database.owner_url,
        market_start=306,
    )


@pytest_asyncio.fixture
async def empty(servers: Servers) -> AsyncIterator[Database]:
    """A database with nothing in it, not even our tables."""
    owner = await asyncpg.connect(servers.owner_url)
    await owner.execute("CREATE DATABASE restored TEMPLATE template0")
    yield Database(_named(servers.database_url, "restored"), _named(servers.owner_url, "restored"))
    await owner.execute("DROP DATABASE restored WITH (FORCE)")
    await owner.close()


async def traded(desk: Desk) -> None:
    """A trade whose close waits, an order under way, one that waits, and messages that wait."""
    await approved(desk)
    await desk.send_all()
    (position,) = await desk.world.broker.positions()
    asked = await desk.talk.ask_position.close(ANN.id, position.id)
    await desk.talk.confirm_position(ANN.id, asked.order.client_id)
    await approved(desk)
    async with desk.world.store.begin() as tx:
        (order,) = await tx.orders.in_state(OrderState.INTENT)
        gone = replace(order.move(OrderState.SENDING), sending_at=await tx.now())
        assert await tx.orders.swap(order, gone)
    await approved(desk)


async def queue_for_terminal(owner_url: str) -> None:
    """A terminal's command to open that the terminal has not fetched."""
    owner = await asyncpg.connect(owner_url)
    await owner.execute(
        "INSERT INTO ea_command (id, account_id, seq, magic, type, rank, state, client_id, fields,"
        " expires_at) VALUES ('an-order-1', 'mt5-1', 1, 1001, 'OPEN', 2, 'queued', 'an-order',"
        " '{}', clock_timestamp() + interval '1 minute')"
    )
    await owner.close()


async def approved(desk: Desk) -> None:
    """The next idea, approved."""
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)


async def work_on(url: str) -> None:
    """Write without a pause, as a busy product does."""
    connection = await asyncpg.connect(url)
    try:
        while True:
            await connection.execute(
                "INSERT INTO heartbeat (name, at, detail) VALUES (gen_random_uuid(), now(), '{}')"
            )
    finally:
        connection.terminate()


async def test_a_restored_product_has_everything_is_stopped_and_sends_nothing(
    desk: Desk, opened: Database, empty: Database, tmp_path: Path
) -> None:
    await traded(desk)
    await queue_for_terminal(opened.owner_url)
    said: list[str] = []
    file = tmp_path / "copies" / "one.backup"
    busy = asyncio.create_task(work_on(opened.url))
    try:
        assert await make(settings_of(opened), file, say=said.append) == 0
    finally:
        busy.cancel()
        with suppress(asyncio.CancelledError):
            await busy
    for kept in (file, manifest_of(file)):
        assert kept.stat().st_mode & 0o077 == 0
    before = json.loads(manifest_of(file).read_text())
    assert before["rows"]["trade_order"] == 3
    assert await bring_back(settings_of(empty), file, say=said.append) == 0
    assert "1 closes and moves" in " ".join(said)
    assert "to be looked up at the venue: 2" in " ".join(said)
    async with open_database(opened.url), desk.world.store.begin() as tx:
        assert (await tx.controls.read()).state is TradingState.RUNNING
    await prepare(settings_of(empty))
    async with open_database(empty.url), desk.world.store.begin() as tx:
        assert (await tx.controls.read()).state is TradingState.EMERGENCY_STOP
        assert not await tx.orders.in_state(OrderState.INTENT)
        assert not await tx.orders.in_state(OrderState.SENDING)
        # Either may have reached the venue after the copy was made.
        unknown = await tx.orders.in_state(OrderState.UNKNOWN)
        assert len(unknown) == 2
        (command,) = await tx.commands.of_order("an-order")
        assert (command.state, command.lookup_only) == (CommandState.LEASED, True)
        assert not await tx.position_orders.in_state(PositionOrderState.INTENT)
        # They are looked up, not sent: this venue's books are in the copy and prove the absence.
        taken = await desk.world.broker.positions()
        assert {o.state for o in await desk.work.resolve_orders()} == {OrderState.ABSENT}
        assert await desk.world.broker.positions() == taken
    owner = await asyncpg.connect(empty.owner_url)
    alerts = await owner.fetch("SELECT state FROM outbox WHERE kind = 'unknown_order'")
    assert {row["state"] for row in alerts} == {"queued"}
    waited = await owner.fetchval(
        "SELECT count(*) FROM outbox WHERE error = 'it waited in a backup' AND state = 'failed'"
    )
    assert waited > 0
    with pytest.raises(asyncpg.PostgresError, match="append"):
        await owner.execute("DELETE FROM decision_history")
    await owner.close()
    role = await asyncpg.connect(empty.url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await role.execute("UPDATE decision_history SET rationale = ''")
    await role.close()


async def test_nobody_starts_on_a_restore_that_was_cut_off(
    desk: Desk, opened: Database, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trading is on in the copy, and an order waits in it."""
    await approved(desk)
    file = tmp_path / "one.backup"
    await make(settings_of(opened), file, say=print)

    async def dies(_: str) -> dict[str, int]:
        raise KeyboardInterrupt

    monkeypatch.setattr("bot.backup_reports.set_aside", dies)
    with pytest.raises(KeyboardInterrupt):
        await bring_back(settings_of(empty), file, say=print)
    with pytest.raises(InvalidInput, match="was not finished"):
        await prepare(settings_of(empty))
    monkeypatch.undo()
    with pytest.raises(InvalidInput, match="not empty"):
        await bring_back(settings_of(empty), file, say=print)
    await prepare(settings_of(opened))


async def test_a_backup_never_takes_the_place_of_another(opened: Database, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    file.write_text("precious")
    with pytest.raises(InvalidInput, match="is there already"):
        await make(settings_of(opened), file, say=print)
    assert file.read_text() == "precious"


async def test_what_is_no_backup_or_not_whole_or_newer_is_refused(
    opened: Database, empty: Database, tmp_path: Path
) -> None:
    file = tmp_path / "one.backup"
    with pytest.raises(InvalidInput, match="no backup"):
        await bring_back(settings_of(empty), file, say=print)
    await make(settings_of(opened), file, say=print)
    with pytest.raises(InvalidInput, match="not empty"):
        await bring_back(settings_of(opened), file, say=print)
    manifest = json.loads(manifest_of(file).read_text())
    manifest["migrations"].append("9999_of_tomorrow")
    manifest_of(file).write_text(json.dumps(manifest))
    with pytest.raises(InvalidInput, match="9999_of_tomorrow"):
        await bring_back(settings_of(empty), file, say=print)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(InvalidInput, match="not as it was made"):
        await bring_back(settings_of(empty), file, say=print)
    await migrate(empty.owner_url, runtime_role=ROLE)  # nothing was left in it


async def test_rows_that_are_missing_afterwards_are_noticed(
    opened: Database, empty: Database, tmp_path: Path
) -> None:
    file = tmp_path / "one.backup"
    await make(settings_of(opened), file, say=print)
    manifest = json.loads(manifest_of(file).read_text())
    manifest["rows"]["person"] += 1
    manifest_of(file).write_text(json.dumps(manifest))
    with pytest.raises(InvalidInput, match="not what was backed up"):
        await bring_back(settings_of(empty), file, say=print)


async def test_secrets_travel_encrypted_and_open_with_the_same_keys(
    desk: Desk, opened: Database, empty: Database, tmp_path: Path
) -> None:
    keys = KeyRing(read_keys(new_key_line("k"), "keys"))
    async with PostgresStore(keys).begin() as tx:
        await tx.secrets.put("provider/openai/key", Secret("sk-CANARY"))
    file = tmp_path / "one.backup"
    assert await make(settings_of(opened), file, say=lambda _: None) == 0
    assert b"CANARY" not in file.read_bytes() + manifest_of(file).read_bytes()
    assert await bring_back(settings_of(empty), file, say=lambda _: None) == 0
    async with open_database(empty.url):
        async with PostgresStore(keys).begin() as tx:
            assert await tx.secrets.get("provider/openai/key") == Secret("sk-CANARY")
        async with PostgresStore().begin() as tx:
            with pytest.raises(SecretUnreadable):
                await tx.secrets.get("provider/openai/key")
