"""The connection as people and workers make it, lose it and keep it alive."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.codes import new_token
from bot.provider_settings import secret_faults
from engine.domain.provider import (
    AiReach,
    ConnectionMode,
    Credential,
    Lost,
    Offer,
    Plan,
    Provider,
    Tokens,
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
from engine.flow.provider import CheckProvider, DisconnectProvider, ReadProvider, StoreKey
from engine.flow.provider_oauth import FinishOAuth, StartOAuth, attempt_name, challenge_of
from engine.flow.provider_records import ProviderStatus, access_name, credential_of, refresh_name
from engine.flow.provider_refresh import RefreshProvider
from engine.snapshot.canonical import plain
from storage.sealing import KeyRing, new_key_line, read_keys
from tests.builders import NOW
from tests.contract.conftest import ANN, EVE, LUIS
from tests.integration.conftest import RecordingBell
from tests.memory import MemoryStore

PLAN = Plan(
    provider=Provider.OPENAI, enabled=True, model=None, base_url="https://ai.example/v1", key=None
)
KEYS = KeyRing(read_keys(new_key_line("k"), "keys"))
CODE, KEY = Secret("CANARY-code"), Secret("sk-CANARY-key")


@dataclass
class FakeServer:
    """An authorization server: ``problems`` are raised one by one, then tokens come."""

    life: timedelta | None = timedelta(hours=1)
    gives_refresh: bool = True
    problems: list[ProviderUnavailable | None] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    number: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def authorization_url(self, state: str, challenge: str) -> str:
        return f"https://auth.example/a?state={state}&code_challenge={challenge}"

    async def exchange(self, code: Secret, verifier: Secret) -> Tokens:
        return await self._issue(("exchange", code, challenge_of(verifier.reveal())))

    async def refresh(self, token: Secret) -> Tokens:
        return await self._issue(("refresh", token))

    async def _issue(self, asked: Any) -> Tokens:
        self.asked.append(asked)
        await self.gate.wait()
        problem = self.problems.pop(0) if self.problems else None
        if problem is not None:
            raise problem
        self.number += 1
        refresh = Secret(f"CANARY-refresh-{self.number}") if self.gives_refresh else None
        return Tokens(
            access=Secret(f"CANARY-access-{self.number}"), refresh=refresh, life=self.life
        )


class Desk:
    """The use cases over a store in memory, with a clock that is moved by hand."""

    def __init__(self, plan: Plan = PLAN, keys: KeyRing = KEYS) -> None:
        self.now = NOW
        self.store = MemoryStore(self._clock, keys)
        self.server, self.bell = FakeServer(), RecordingBell()
        self.use(plan)

    def use(self, plan: Plan) -> None:
        store, server, bell = self.store, self.server, self.bell
        self.plan = plan
        self.read = ReadProvider(store=store, plan=plan)
        self.store_key = StoreKey(store=store, plan=plan, bell=bell)
        self.disconnect = DisconnectProvider(store=store, plan=plan, bell=bell)
        self.start = StartOAuth(store=store, plan=plan, server=server, new_token=new_token)
        self.finish = FinishOAuth(store=store, plan=plan, server=server, bell=bell)
        self.refresh = RefreshProvider(
            store=store, plan=plan, server=server, bell=bell, skew=timedelta(minutes=5)
        )

    def _clock(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    async def begun(self, who: int | None = ANN.id, browser: str | None = None) -> str:
        started = await self.start(who, browser=browser)
        assert started.url is not None
        return parse_qs(urlsplit(started.url).query)["state"][0]

    async def connected(self) -> ProviderStatus:
        return await self.finish(await self.begun(), CODE)

    def steps(self) -> list[tuple[str, str, Any]]:
        """Action, actor and step or reason of each record."""
        entries = [decision.entry for decision in self.store.all("decision")]
        return [
            (str(entry.action), entry.actor, entry.detail.get("step") or entry.detail.get("reason"))
            for entry in entries
        ]

    def notices(self) -> list[tuple[int, dict[str, Any]]]:
        return [(told.person_id, told.notice.detail) for told in self.store.all("outbox")]

    async def secret(self, name: str) -> Secret | None:
        async with self.store.begin() as tx:
            return await tx.secrets.get(name)


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    async with desk.store.begin() as tx:
        for person in (ANN, LUIS, EVE, replace(ANN, id=9, name="Amy", chat_id=9)):
            await tx.people.save(person)
    return desk


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


# ---- refresh ---------------------------------------------------------------------------------


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
