"""The use cases of the connection to a provider, over a store in memory."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.provider_settings import new_token
from engine.domain.provider import (
    Plan,
    Provider,
    Tokens,
)
from engine.domain.secret import Secret
from engine.errors import (
    ProviderUnavailable,
)
from engine.flow.provider import DisconnectProvider, ReadProvider, StoreKey
from engine.flow.provider_oauth import FinishOAuth, StartOAuth, challenge_of
from engine.flow.provider_records import ProviderStatus
from engine.flow.provider_refresh import RefreshProvider
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


async def seated() -> Desk:
    desk = Desk()
    async with desk.store.begin() as tx:
        for person in (ANN, LUIS, EVE, replace(ANN, id=9, name="Amy", chat_id=9)):
            await tx.people.save(person)
    return desk
