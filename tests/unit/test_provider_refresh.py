"""Tokens are renewed in time and once, and what cannot be renewed ends the connection."""

import asyncio
from datetime import timedelta

import pytest

from engine.domain.provider import (
    ConnectionMode,
    Lost,
    Provider,
)
from engine.domain.secret import Secret
from engine.errors import (
    ProviderUnavailable,
    TokenRefused,
)
from engine.flow.provider_records import access_name, refresh_name
from engine.snapshot.canonical import plain
from storage.sealing import KeyRing, new_key_line, read_keys
from tests.contract.conftest import ANN
from tests.provider_desk import CODE, KEY, Desk, seated


@pytest.fixture
async def desk() -> Desk:
    return await seated()


async def test_a_token_is_renewed_before_it_ends_and_not_earlier(desk: Desk) -> None:
    await desk.connected()
    desk.now += timedelta(minutes=54)
    assert not await desk.refresh()
    desk.now += timedelta(minutes=1)
    assert await desk.refresh()
    assert desk.server.asked[1:] == [("refresh", Secret("CANARY-refresh-1"))]
    assert await desk.secret(access_name(Provider.OPENAI)) == Secret("CANARY-access-2")
    assert await desk.secret(refresh_name(Provider.OPENAI)) == Secret("CANARY-refresh-2")
    assert not await desk.refresh()
    assert desk.steps()[-1] == ("provider_changed", "system", "refreshed")
    assert len(desk.notices()) == 1


async def test_many_processes_renew_once(desk: Desk) -> None:
    await desk.connected()
    desk.now += timedelta(minutes=56)
    desk.server.gate.clear()
    tasks = [asyncio.ensure_future(desk.refresh()) for _ in range(8)]
    await asyncio.sleep(0.05)
    desk.server.gate.set()
    assert sum(await asyncio.gather(*tasks)) == 1
    assert len(desk.server.asked) == 2


async def test_a_refusal_ends_the_connection_and_is_told_once(desk: Desk) -> None:
    await desk.connected()
    desk.now += timedelta(minutes=56)
    desk.server.problems = [TokenRefused("invalid_grant")]
    for _ in range(3):
        await desk.refresh()
        desk.now += timedelta(minutes=10)
    assert (await desk.read(None)).lost is Lost.REFUSED
    assert [step for step in desk.steps() if step[0] == "provider_disconnected"] == [
        ("provider_disconnected", "system", "refused")
    ]
    assert [(who, told["lost"]) for who, told in desk.notices()[1:]] == [
        (ANN.id, "refused"), (9, "refused"),
    ]  # fmt: skip
    assert await desk.secret(refresh_name(Provider.OPENAI)) is None
    assert len(desk.server.asked) == 2
    assert (await desk.connected()).connected


async def test_what_may_pass_is_tried_again_and_told_when_the_token_ends(desk: Desk) -> None:
    await desk.connected()
    desk.now += timedelta(minutes=56)
    desk.server.problems = [ProviderUnavailable("gone"), TokenRefused("invalid_client")] * 4
    seen = []
    for _ in range(60):
        await desk.refresh()
        seen.append((await desk.read(None)).lost)
        desk.now += timedelta(seconds=10)
        if not desk.server.problems:
            break
    assert seen[0] is None
    assert seen[-1] is Lost.EXPIRED
    # 30 s, 60 s, 120 s and 240 s, then five minutes: 450 seconds for five tries.
    assert 5 <= len(desk.server.asked) - 1 <= 6
    assert [told["lost"] for _, told in desk.notices()[1:]] == ["expired", "expired"]
    desk.server.problems = []
    desk.now += timedelta(minutes=6)
    assert await desk.refresh()
    assert (await desk.read(None)).connected
    assert [told["lost"] for _, told in desk.notices()[3:]] == [None, None]


async def test_a_token_that_cannot_be_renewed_ends(desk: Desk) -> None:
    desk.server.gives_refresh = False
    await desk.connected()
    desk.now += timedelta(minutes=56)
    assert not await desk.refresh()
    desk.now += timedelta(minutes=5)
    assert (await desk.read(None)).lost is Lost.EXPIRED
    assert await desk.refresh()
    assert not await desk.refresh()
    assert len(desk.server.asked) == 1
    assert [told["lost"] for _, told in desk.notices()[1:]] == ["expired", "expired"]


async def test_an_answer_that_keeps_the_refresh_token_keeps_it(desk: Desk) -> None:
    await desk.connected()
    desk.server.gives_refresh = False
    desk.now += timedelta(minutes=56)
    assert await desk.refresh()
    assert await desk.secret(refresh_name(Provider.OPENAI)) == Secret("CANARY-refresh-1")


@pytest.mark.parametrize("change", ["disconnect", "key", "again"])
async def test_what_changed_meanwhile_is_not_overwritten(desk: Desk, change: str) -> None:
    await desk.connected()
    desk.now += timedelta(minutes=56)
    desk.server.gate.clear()
    late = asyncio.ensure_future(desk.refresh())
    await asyncio.sleep(0.01)
    state = await desk.begun()
    again = asyncio.ensure_future(desk.finish(state, CODE)) if change == "again" else None
    if change == "disconnect":
        await desk.disconnect(ANN.id)
    elif change == "key":
        await desk.store_key(ANN.id, KEY)
    desk.server.gate.set()
    if again is not None:
        await again
    await late
    status = await desk.read(None)
    assert status.connected is (change != "disconnect")
    if change == "key":
        assert status.mode is ConnectionMode.KEY
        assert await desk.secret(access_name(Provider.OPENAI)) is None


async def test_a_claim_whose_holder_died_is_taken_over(desk: Desk) -> None:
    await desk.connected()
    desk.now += timedelta(minutes=56)
    desk.server.gate.clear()
    dying = asyncio.ensure_future(desk.refresh())
    await asyncio.sleep(0.01)
    dying.cancel()
    desk.server.gate.set()
    assert not await desk.refresh()
    desk.now += timedelta(minutes=2)
    assert await desk.refresh()
    assert (await desk.read(None)).connected


# ---- what cannot be read, and what is seen ----------------------------------------------------


async def test_a_credential_that_cannot_be_read_is_no_connection(desk: Desk) -> None:
    await desk.connected()
    desk.store.keys = KeyRing(read_keys(new_key_line("k"), "keys"))
    assert (await desk.read(None)).lost is Lost.UNREADABLE
    desk.now += timedelta(minutes=56)
    assert not await desk.refresh()
    assert (await desk.disconnect(ANN.id)).lost is Lost.BY_PERSON


async def test_nothing_that_is_kept_or_told_holds_a_secret(desk: Desk) -> None:
    await desk.store_key(ANN.id, KEY)
    await desk.connected()
    desk.now += timedelta(minutes=56)
    await desk.refresh()
    desk.server.problems = [TokenRefused("invalid_grant")]
    desk.now += timedelta(minutes=56)
    await desk.refresh()
    for table in ("decision", "outbox", "provider connection", "secret"):
        for row in desk.store.all(table):
            assert "CANARY" not in str(row)
    assert "CANARY" not in str(plain(await desk.read(None)))
