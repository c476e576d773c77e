"""The vault and the connections are kept alike by both stores."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.domain.provider import Connection, ConnectionMode, Lost, Provider
from engine.domain.secret import Secret
from engine.errors import NoEncryptionKey, SecretUnreadable
from storage.sealing import KeyRing
from storage.transaction import PostgresStore
from tests.builders import NOW
from tests.contract.conftest import TickingClock, rolled_back
from tests.memory import MemoryStore

NEW, OLD = bytes(range(7, 7 + 64, 2)), bytes(range(9, 9 + 96, 3))
KEYS = KeyRing((("new", NEW), ("old", OLD)))
FIRST = Connection(
    provider=Provider.OPENAI, mode=ConnectionMode.KEY, by="person:1", at=NOW, version=1
)


@pytest.fixture(params=["memory", "postgres"])
def with_keys(request: pytest.FixtureRequest) -> Any:
    """What makes stores over the same rows, with the keys that are asked for."""
    if request.param == "memory":
        store = MemoryStore(TickingClock())

        def memory(keys: KeyRing) -> MemoryStore:
            store.keys = keys
            return store

        return memory
    request.getfixturevalue("opened")
    return PostgresStore


async def test_a_secret_is_kept_replaced_taken_once_and_forgotten(with_keys: Any) -> None:
    store = with_keys(KEYS)
    async with store.begin() as tx:
        assert await tx.secrets.get("a") is None
        assert await tx.secrets.take("a") is None
        await tx.secrets.put("a", Secret("one"))
        await tx.secrets.put("b", Secret("ключ 🔑"))
    async with store.begin() as tx:
        await tx.secrets.put("a", Secret("two"))
    async with rolled_back(store) as tx:
        assert await tx.secrets.take("a") == Secret("two")
    async with store.begin() as tx:
        assert await tx.secrets.get("b") == Secret("ключ 🔑")
        assert await tx.secrets.take("a") == Secret("two")
        assert await tx.secrets.take("a") is None
        assert await tx.secrets.remove("b")
        assert not await tx.secrets.remove("b")


async def test_a_secret_is_gone_when_its_time_is_over(with_keys: Any) -> None:
    store = with_keys(KEYS)
    async with store.begin() as tx:
        now = await tx.now()
        await tx.secrets.put("past", Secret("x"), until=now - timedelta(seconds=1))
        await tx.secrets.put("soon", Secret("y"), until=now + timedelta(minutes=1))
    async with store.begin() as tx:
        assert await tx.secrets.get("past") is None
        assert await tx.secrets.take("past") is None
        assert await tx.secrets.take("soon") == Secret("y")


async def test_every_key_opens_and_only_the_first_one_closes(with_keys: Any) -> None:
    async with with_keys(KeyRing((("old", OLD),))).begin() as tx:
        await tx.secrets.put("a", Secret("one"))
    async with with_keys(KEYS).begin() as tx:
        assert await tx.secrets.get("a") == Secret("one")
        await tx.secrets.put("b", Secret("two"))
    for keys in (KeyRing(), KeyRing((("old", OLD),)), KeyRing((("new", OLD),))):
        async with with_keys(keys).begin() as tx:
            with pytest.raises(SecretUnreadable):
                await tx.secrets.get("b")
    async with with_keys(KeyRing()).begin() as tx:
        with pytest.raises(NoEncryptionKey, match="keys new"):
            await tx.secrets.put("c", Secret("three"))
        assert await tx.secrets.remove("a")


async def test_a_connection_is_kept_and_replaced(store: Any) -> None:
    later = replace(FIRST, lost=Lost.REFUSED, expires_at=NOW, claimed_until=NOW, version=2)
    async with store.begin() as tx:
        assert await tx.providers.take(Provider.OPENAI) is None
        await tx.providers.save(FIRST)
        await tx.providers.save(replace(FIRST, provider=Provider.GEMINI, base_url="https://x.org"))
    async with store.begin() as tx:
        assert await tx.providers.take(Provider.OPENAI) == FIRST
        await tx.providers.save(later)
    async with store.begin() as tx:
        assert await tx.providers.of(Provider.OPENAI) == later
        found = await tx.providers.of(Provider.GEMINI)
        assert found is not None
        assert found.base_url == "https://x.org"
        assert await tx.providers.of(Provider.OLLAMA) is None
