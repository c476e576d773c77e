"""One suite, two stores: what is true of PostgreSQL is true of the one in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.domain.person import Person, Role
from storage.transaction import PostgresStore
from tests.builders import NOW
from tests.memory import MemoryStore

ANN = Person(id=1, name="Ann", role=Role.ADMIN, chat_id=1)
LUIS = Person(id=2, name="Luis", role=Role.TRADER, chat_id=2)
EVE = Person(id=3, name="Eve", role=Role.VIEWER, chat_id=3)
SAM = Person(id=4, name="Sam", role=Role.PENDING, chat_id=4)


class TickingClock:
    """A clock that is never asked twice at the same instant, as a database's."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Any:
    """An empty store, of either kind."""
    if request.param == "memory":
        return MemoryStore(TickingClock())
    request.getfixturevalue("opened")
    return PostgresStore()


@pytest.fixture
async def staffed(store: Any) -> Any:
    """A store with people of every role."""
    async with store.begin() as tx:
        for person in (ANN, LUIS, EVE, SAM):
            await tx.people.save(person)
    return store


class _Undone(Exception):
    pass


@asynccontextmanager
async def rolled_back(store: Any) -> AsyncIterator[Any]:
    """A transaction that ends in an error."""
    with suppress(_Undone):
        async with store.begin() as tx:
            yield tx
            raise _Undone
