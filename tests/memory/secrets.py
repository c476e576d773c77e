"""The vault and the connections, in memory; values are encrypted as they are in the database."""

from datetime import datetime

from engine.domain.provider import Connection, Provider
from engine.domain.secret import Secret
from engine.ports import Clock
from storage.sealing import KeyRing
from storage.secrets import place_of
from tests.memory.rows import View

_SECRET, _PROVIDER = "secret", "provider connection"


class MemoryVault:
    """The port ``Vault`` in one transaction."""

    def __init__(self, view: View, clock: Clock, keys: KeyRing) -> None:
        self._view, self._clock, self._keys = view, clock, keys

    async def put(self, name: str, value: Secret, *, until: datetime | None = None) -> None:
        await self._view.put(_SECRET, name, (self._keys.seal(value, place_of(name)), until))

    async def get(self, name: str) -> Secret | None:
        row = self._view.get(_SECRET, name)
        if row is None or (row[1] is not None and row[1] <= self._clock()):
            return None
        return self._keys.open(row[0], place_of(name))

    async def take(self, name: str) -> Secret | None:
        await self._view.lock(_SECRET, name)
        found = await self.get(name)
        await self._view.put(_SECRET, name, None)
        return found

    async def remove(self, name: str) -> bool:
        await self._view.lock(_SECRET, name)
        known = self._view.get(_SECRET, name) is not None
        await self._view.put(_SECRET, name, None)
        return known


class MemoryConnections:
    """The port ``Connections`` in one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def of(self, provider: Provider) -> Connection | None:
        found: Connection | None = self._view.get(_PROVIDER, provider)
        return found

    async def take(self, provider: Provider) -> Connection | None:
        await self._view.lock(_PROVIDER, provider)
        return await self.of(provider)

    async def save(self, connection: Connection) -> None:
        await self._view.put(_PROVIDER, connection.provider, connection)
