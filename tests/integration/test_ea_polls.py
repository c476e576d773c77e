"""What a heartbeat or a poll that finds nothing leaves undone, and what it never does."""

import asyncio
from datetime import timedelta
from typing import Any

from engine.flow.terminals import DisconnectTerminal
from tests.integration.conftest import ANN
from tests.integration.ea import ACCOUNT, Bridge, bridge  # noqa: F401
from tests.integration.test_ea_endpoint import opening
from tests.terminals import Ea


async def version(bridge: Bridge) -> str:  # noqa: F811
    (row,) = await bridge.sql("SELECT xmin::text AS version FROM ea_terminal")
    return str(row["version"])


async def age(bridge: Bridge, seconds: int, *names: str) -> None:  # noqa: F811
    """Make what is on record of the terminal so much older; negative seconds make it of later."""
    for name in names:
        await bridge.sql(
            "UPDATE ea_terminal SET document = jsonb_set(document, ARRAY[$2::text],"
            " to_jsonb((document ->> $2)::timestamptz - make_interval(secs => $1)))",
            seconds, name,
        )  # fmt: skip


async def test_a_heartbeat_that_tells_nothing_new_is_noted_every_few_seconds(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    before = await version(bridge)
    for _ in range(3):
        assert (await ea.beat(paused=False, last_seq=0, equity=9_000))[0] == 200
    assert await version(bridge) == before
    async with bridge.store.begin() as tx:
        first = await tx.terminals.read(ACCOUNT)
    for seconds in (6, -3600):  # a clock that was set back makes nothing fresh
        await age(bridge, seconds, "beat_at", "heard_at")
        assert (await ea.beat(paused=False, last_seq=0, equity=9_000))[0] == 200
        async with bridge.store.begin() as tx:
            after = await tx.terminals.read(ACCOUNT)
        assert first is not None
        assert after is not None
        assert after.beat is not None
        assert first.beat_at is not None
        assert after.beat_at is not None
        assert first.beat_at < after.beat_at < first.beat_at + timedelta(seconds=50)
        assert (after.heard_at, after.token_used_at) == (after.beat_at, after.beat_at)
        assert after.beat.equity == 9_000
        assert (after.wishes, after.instance) == (first.wishes, first.instance)


NEWS: tuple[dict[str, Any], ...] = (
    {"connected": False},
    {"trade_terminal": False},
    {"trade_ea": False},
    {"trade_account": False},
    {"trade_experts": False},
    {"journal_ok": False},
    {"paused": None},
    {"paused": True},
    {"unresolved": 1},
    {"pending_results": 2},
    {"open_positions": 3},
    {"last_seq": 70},
)


async def test_what_a_heartbeat_changes_is_on_record_before_it_is_answered(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    for news in NEWS:
        told = {"paused": False, "last_seq": 0, **news}
        assert (await ea.beat(paused=False, last_seq=0))[0] == 200
        assert (await ea.beat(**told))[0] == 200
        async with bridge.store.begin() as tx:
            terminal = await tx.terminals.read(ACCOUNT)
        assert terminal is not None
        assert terminal.beat is not None
        ((name, value),) = news.items()
        assert getattr(terminal.beat, name) == value
        assert terminal.last_seq >= told["last_seq"]
    assert [command["type"] for command in await ea.fetch(hold_ms=0)] == ["RESUME"]


async def test_a_poll_notes_that_the_terminal_lives_every_few_seconds(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    before = await version(bridge)
    assert await ea.fetch(hold_ms=0) == []
    assert await version(bridge) == before
    await age(bridge, 6, "heard_at", "beat_at")
    async with bridge.store.begin() as tx:
        old = await tx.terminals.read(ACCOUNT)
    assert await ea.fetch(hold_ms=0) == []
    async with bridge.store.begin() as tx:
        new = await tx.terminals.read(ACCOUNT)
    assert old is not None
    assert new is not None
    assert new.heard_at > old.heard_at + timedelta(seconds=5)
    assert (new.beat, new.beat_at) == (old.beat, old.beat_at)


async def test_a_held_poll_gets_nothing_once_another_took_its_place(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    held = asyncio.ensure_future(ea.post("/ea/execute", hold_ms=2000))
    await asyncio.sleep(0.1)
    other = Ea(bridge.client, run="20261121-second-run", token=ea.token)
    assert (await other.beat())[0] == 200
    await bridge.put(opening("a"))
    status, answer = await held
    assert (status, answer["error"]["code"]) == (409, "another_instance")
    assert [command["id"] for command in await other.fetch(hold_ms=0)] == ["a"]


async def test_a_held_poll_gets_nothing_once_its_token_was_taken_away(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    held = asyncio.ensure_future(ea.post("/ea/execute", hold_ms=2000))
    await asyncio.sleep(0.1)
    await DisconnectTerminal(store=bridge.store)(ANN.id, ACCOUNT)
    await bridge.put(opening("a"))
    status, answer = await held
    assert (status, answer["error"]["code"]) == (401, "unauthorized")
    assert await bridge.sql("SELECT state FROM ea_command") == [{"state": "queued"}]


async def test_polls_go_on_after_the_database_dropped_their_connection(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    assert await ea.fetch(hold_ms=0) == []
    await bridge.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = user"
    )
    found = [(await ea.post("/ea/execute", hold_ms=0))[0] for _ in range(6)]
    assert set(found[:2]) <= {200, 503}
    assert found[2:] == [200] * 4
