"""Fixtures of the endpoint: served on a real socket, over a real database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from ea.answers import Pace
from ea.app import Endpoint, create_app
from engine.domain.market import Timeframe
from engine.domain.person import Person
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.domain.terminal import Draft
from engine.flow.bridge import HearTerminal, OfferCommands, TakeResult
from engine.flow.terminal_sync import TakeSnapshot
from engine.flow.terminal_wishes import Watched
from engine.flow.terminals import IssueCode, RegisterTerminal
from engine.strategies.documents import shipped
from storage.polls import PostgresPolls
from storage.seed import seed
from storage.signals import Listener
from storage.transaction import PostgresStore
from tests.conftest import Database
from tests.integration.conftest import ANN, START, RecordingBell
from tests.terminals import Ea

ACCOUNT = "live-1"
_numbers = count(1)


@dataclass
class Bridge:
    """The endpoint and everything around it."""

    store: PostgresStore
    client: TestClient[Any, Any]
    bell: RecordingBell
    signals: Listener
    endpoint: Endpoint
    owner_url: str

    async def code(self, account: str = ACCOUNT) -> str:
        """A connect code."""
        issue = IssueCode(
            store=self.store, account_id=account, new_code=lambda: f"CODE-{next(_numbers):04}"
        )
        code, _ = await issue(ANN.id, await issue.mark())
        return code

    async def joined(self, account: str = ACCOUNT, **fields: Any) -> Ea:
        """An Expert Advisor that is registered and heard."""
        ea = Ea(self.client)
        login = {name: fields.pop(name) for name in ("login",) if name in fields}
        status, answer = await ea.register(await self.code(account), **login, **fields)
        assert status == 200, answer
        assert (await ea.beat(paused=False, last_seq=0, **login))[0] == 200
        return ea

    async def put(self, *drafts: Draft) -> list[str]:
        """Queue commands."""
        async with self.store.begin() as tx:
            return [command.id for command in await tx.commands.put(drafts)]

    async def sql(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Ask, or change, the database itself."""
        async with self.store.begin() as tx:
            rows: list[dict[str, Any]] = await tx._connection.execute_query_dict(
                query, list(values)
            )
            return rows

    async def age_raw(self, days: int) -> None:
        """Make kept snapshots older; only the schema's owner can."""
        owner = await asyncpg.connect(self.owner_url)
        await owner.execute(
            "UPDATE ea_snapshot SET received_at = received_at - make_interval(days => $1)", days
        )
        await owner.close()

    async def alerts(self) -> list[str]:
        """What the admins were told of terminals."""
        rows = await self.sql(
            "SELECT payload -> 'detail' ->> 'what' AS what FROM outbox WHERE kind = 'terminal'"
            " ORDER BY id"
        )
        return [row["what"] for row in rows]


@pytest.fixture
async def bridge(opened: Database) -> AsyncIterator[Bridge]:
    """An endpoint with trading on and one admin."""
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    await seed(shipped(), RiskSettings(), control)
    store, bell, signals = PostgresStore(), RecordingBell(), Listener(opened.url)
    await _seat(store, ANN)
    polls = PostgresPolls()
    tokens = (f"{number:04}".ljust(43, "t") for number in count(1))
    endpoint = Endpoint(
        register=RegisterTerminal(store=store, new_token=lambda: next(tokens)),
        hear=HearTerminal(store=store, polls=polls, bell=bell),
        offer=OfferCommands(store=store, polls=polls, signals=signals),
        take_result=TakeResult(store=store, bell=bell),
        take_snapshot=TakeSnapshot(
            store=store, bell=bell, watched=Watched(streams=(("XAUUSD", Timeframe.M15),))
        ),
        pace=Pace(),
    )
    async with TestClient(TestServer(create_app(endpoint))) as client:
        yield Bridge(store, client, bell, signals, endpoint, opened.owner_url)
    await signals.close()


async def _seat(store: PostgresStore, person: Person) -> None:
    async with store.begin() as tx:
        await tx.people.save(person)
