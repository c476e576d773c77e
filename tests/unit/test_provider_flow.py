"""The connection as people make it, use it and end it: a key, or OAuth."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.provider_settings import secret_faults
from engine.domain.provider import (
    AiReach,
    ConnectionMode,
    Credential,
    Lost,
    Offer,
    Plan,
    Provider,
)
from engine.domain.secret import Secret
from engine.errors import (
    AttemptUnknown,
    InvalidInput,
    NoEncryptionKey,
    NotAllowed,
    NotSetUp,
    ProviderUnavailable,
    TokenRefused,
)
from engine.flow.provider import CheckProvider
from engine.flow.provider_oauth import attempt_name
from engine.flow.provider_records import ProviderStatus, credential_of
from storage.sealing import KeyRing
from tests.contract.conftest import ANN, EVE, LUIS
from tests.provider_desk import CODE, KEY, KEYS, PLAN, Desk, seated


@pytest.fixture
async def desk() -> Desk:
    return await seated()


# ---- keys ------------------------------------------------------------------------------------


async def test_a_key_connects_is_used_and_is_forgotten(desk: Desk) -> None:
    assert (await desk.read(EVE.id)).lost is Lost.NEVER
    status = await desk.store_key(ANN.id, KEY)
    assert (status.connected, status.mode, status.by) == (True, ConnectionMode.KEY, "person:1")
    async with desk.store.begin() as tx:
        found = await credential_of(tx, PLAN)
    assert found == Credential(key=KEY, base_url="https://ai.example/v1", is_typed=False)
    assert (await desk.disconnect(ANN.id)).lost is Lost.BY_PERSON
    assert (await desk.disconnect(ANN.id)).lost is Lost.BY_PERSON
    assert not any(desk.store.all("secret"))
    with pytest.raises(ProviderUnavailable, match="not connected"):
        async with desk.store.begin() as tx:
            await credential_of(tx, PLAN)
    assert desk.steps() == [
        ("provider_connected", "person:1", None),
        ("provider_disconnected", "person:1", "by_person"),
    ]
    assert [who for who, _ in desk.notices()] == [9, 9]


async def test_a_typed_address_goes_with_the_key_and_is_marked(desk: Desk) -> None:
    await desk.store_key(None, KEY, base_url="https://gate.example/v1")
    async with desk.store.begin() as tx:
        found = await credential_of(tx, PLAN)
    assert found == Credential(key=KEY, base_url="https://gate.example/v1", is_typed=True)


@pytest.mark.parametrize("who", [LUIS.id, EVE.id, 4711])
async def test_only_admins_connect_and_disconnect(desk: Desk, who: int) -> None:
    state = await desk.begun()
    for attempt in (
        desk.store_key(who, KEY), desk.disconnect(who), desk.start(who),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            await attempt
    assert await desk.secret(attempt_name(state)) is not None
    assert (await desk.read(ANN.id)).lost is Lost.NEVER


@pytest.mark.parametrize("text", ["", "a b", "a\nb", "ключ", "x" * 513])
async def test_what_can_be_no_key_is_refused_and_not_repeated(desk: Desk, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await desk.store_key(ANN.id, Secret(text))
    assert not text or text not in str(caught.value)


async def test_without_an_encryption_key_nothing_is_stored() -> None:
    desk = Desk(keys=KeyRing())
    with pytest.raises(NoEncryptionKey):
        await desk.store_key(None, KEY)
    with pytest.raises(NoEncryptionKey):
        await desk.start(None)
    assert desk.steps() == []


async def test_a_key_of_the_settings_goes_before_everything(desk: Desk) -> None:
    await desk.connected()
    state = await desk.begun()
    desk.use(replace(PLAN, key=Secret("sk-of-the-settings")))
    status = await desk.read(EVE.id)
    assert (status.connected, status.mode) == (True, ConnectionMode.SETTING)
    assert (await desk.start(ANN.id)).url is None
    asked = len(desk.server.asked)
    assert (await desk.finish(state, CODE)).mode is ConnectionMode.SETTING
    desk.now += timedelta(days=9)
    assert not await desk.refresh()
    assert len(desk.server.asked) == asked
    with pytest.raises(InvalidInput, match="OPENAI_API_KEY"):
        await desk.store_key(ANN.id, KEY)
    assert (await desk.disconnect(ANN.id)).connected


async def test_a_machine_of_ones_own_needs_nothing() -> None:
    desk = Desk(replace(PLAN, provider=Provider.OLLAMA))
    status = await desk.read(None)
    assert (status.connected, status.mode) == (True, ConnectionMode.NONE)


# ---- OAuth -----------------------------------------------------------------------------------


async def test_oauth_connects_with_the_verifier_of_its_challenge(desk: Desk) -> None:
    started = await desk.start(ANN.id)
    assert started.url is not None
    assert started.until is not None
    assert timedelta(minutes=9) < started.until - desk.now <= timedelta(minutes=10)
    query = parse_qs(urlsplit(started.url).query)
    assert len(query["state"][0]) == 43
    status = await desk.finish(query["state"][0], CODE)
    assert desk.server.asked == [("exchange", CODE, query["code_challenge"][0])]
    assert (status.connected, status.mode, status.by) == (True, ConnectionMode.OAUTH, "person:1")
    async with desk.store.begin() as tx:
        assert (await credential_of(tx, PLAN)).key == Secret("CANARY-access-1")
    assert [step[::2] for step in desk.steps()] == [
        ("provider_changed", "started"), ("provider_connected", None),
    ]  # fmt: skip
    assert [who for who, _ in desk.notices()] == [9]


async def test_a_state_works_once_and_not_after_ten_minutes(desk: Desk) -> None:
    state = await desk.begun()
    await desk.finish(state, CODE)
    late = await desk.begun()
    desk.now += timedelta(minutes=10)
    for dead in (state, late, "unknown", ""):
        with pytest.raises(AttemptUnknown):
            await desk.finish(dead, CODE)
    assert len(desk.server.asked) == 1


async def test_a_state_works_once_for_many_at_the_same_time(desk: Desk) -> None:
    state = await desk.begun()
    done = await asyncio.gather(
        *(desk.finish(state, CODE) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, ProviderStatus) for one in done) == 1
    assert sum(isinstance(one, AttemptUnknown) for one in done) == 7
    assert len(desk.server.asked) == 1


@pytest.mark.parametrize("browser", [None, "other"])
async def test_an_attempt_is_finished_where_it_began(desk: Desk, browser: str | None) -> None:
    state = await desk.begun(browser="mine")
    with pytest.raises(AttemptUnknown):
        await desk.finish(state, CODE, browser=browser)
    with pytest.raises(AttemptUnknown):
        await desk.finish(state, CODE, browser="mine")
    assert (await desk.finish(await desk.begun(browser="mine"), CODE, browser="mine")).connected


async def test_who_is_no_admin_any_more_finishes_nothing(desk: Desk) -> None:
    state = await desk.begun()
    async with desk.store.begin() as tx:
        await tx.people.save(replace(ANN, role=EVE.role))
    with pytest.raises(NotAllowed):
        await desk.finish(state, CODE)
    assert desk.server.asked == []


async def test_a_no_is_recorded_and_ends_the_attempt(desk: Desk) -> None:
    for error, why in (("access_denied", "access_denied"), ("<CANARY>", "invalid_request")):
        state = await desk.begun()
        with pytest.raises(TokenRefused, match=why):
            await desk.finish(state, None, error=error)
        with pytest.raises(AttemptUnknown):
            await desk.finish(state, CODE)
    desk.server.problems = [TokenRefused("invalid_grant"), ProviderUnavailable("gone")]
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await desk.connected()
    assert [step[2] for step in desk.steps()][1::2] == [
        "failed", "failed", "failed", "failed",
    ]  # fmt: skip
    assert (await desk.read(None)).lost is Lost.NEVER


async def test_oauth_that_is_not_set_up_says_what_is_missing(desk: Desk) -> None:
    with pytest.raises(NotSetUp, match="OPENAI_CLIENT_ID"):
        await replace(desk.start, server=None)(ANN.id)
    with pytest.raises(NotSetUp, match="OPENAI_CLIENT_ID"):
        await replace(desk.finish, server=None)("state", CODE)


class FakeModels:
    """Answers with what it has."""

    def __init__(self, *models: str, reach: AiReach = AiReach.ONLINE) -> None:
        self.offer = Offer(reach=reach, models=models)
        self.asked: list[Credential] = []

    async def models(self, credential: Credential) -> Offer:
        self.asked.append(credential)
        return self.offer


async def test_a_test_asks_with_what_is_connected(desk: Desk) -> None:
    server = FakeModels("gpt-4o", "models/gemini-pro", "llama3:latest")
    check = CheckProvider(store=desk.store, plan=PLAN, server=server)
    assert (await check(LUIS.id)).reach is AiReach.NOT_CONNECTED
    with pytest.raises(NotAllowed):
        await check(EVE.id)
    assert server.asked == []
    await desk.store_key(ANN.id, KEY)
    assert (await check(LUIS.id)).reach is AiReach.ONLINE
    assert server.asked[0].key == KEY
    for model, reach in (
        ("gpt-4o", AiReach.ONLINE), ("gemini-pro", AiReach.ONLINE), ("llama3", AiReach.ONLINE),
        ("gpt", AiReach.NO_MODEL),
    ):  # fmt: skip
        named = replace(check, plan=replace(PLAN, model=model))
        assert (await named(None)).reach is reach


async def test_the_doctor_names_a_model_that_is_wanted_and_not_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(_: KeyRing) -> tuple[str, ...]:
        return ()

    monkeypatch.setattr("bot.provider_settings.unreadable", none)

    async def found(plan: Plan = PLAN) -> list[str]:
        return [one.code for one in await secret_faults(KEYS, desk.store, plan)()]

    off = replace(PLAN, enabled=False)
    assert (await found(), await found(off)) == (["provider_never"], [])
    await desk.connected()
    assert await found() == []
    desk.now += timedelta(hours=2)
    assert (await found(), await found(off)) == (["provider_expired"], ["provider_expired"])
    await desk.disconnect(ANN.id)
    assert (await found(), await found(off)) == (["provider_by_person"], [])
