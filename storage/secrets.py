"""The vault: secrets by name, encrypted; and the connections that rest on them."""

import json
from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.provider import Connection, Provider
from engine.domain.secret import Secret
from engine.snapshot.canonical import plain, restore
from storage.locks import Lock
from storage.mapping import json_text
from storage.sealing import KeyRing, Place
from storage.table import Table

_PUT = """
INSERT INTO secret (name, value, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE
    SET value = $2, expires_at = $3, updated_at = clock_timestamp()
"""
_PURGE = "DELETE FROM secret WHERE expires_at <= clock_timestamp()"
_ALIVE = "(expires_at IS NULL OR expires_at > clock_timestamp())"
_GET = f"SELECT value FROM secret WHERE name = $1 AND {_ALIVE}"  # noqa: S608
_TAKE = f"DELETE FROM secret WHERE name = $1 AND {_ALIVE} RETURNING value"  # noqa: S608
_SAVE = """
INSERT INTO provider_connection (provider, document) VALUES ($1, $2)
ON CONFLICT (provider) DO UPDATE SET document = $2
"""


def place_of(name: str) -> Place:
    """Where the vault keeps a value."""
    return Place("secret", name, "value")


class VaultTable(Table):
    """The port ``Vault`` in one transaction."""

    def __init__(self, connection: BaseDBAsyncClient, keys: KeyRing) -> None:
        super().__init__(connection)
        self._keys = keys

    async def put(self, name: str, value: Secret, *, until: datetime | None = None) -> None:
        sealed = self._keys.seal(value, place_of(name))
        await self._connection.execute_query(_PURGE)
        await self._connection.execute_query(_PUT, [name, sealed, until])

    async def get(self, name: str) -> Secret | None:
        return self._opened(name, await self._rows(_GET, name))

    async def take(self, name: str) -> Secret | None:
        return self._opened(name, await self._rows(_TAKE, name))

    def _opened(self, name: str, rows: list[dict[str, str]]) -> Secret | None:
        return self._keys.open(rows[0]["value"], place_of(name)) if rows else None

    async def remove(self, name: str) -> bool:
        rows = await self._rows("DELETE FROM secret WHERE name = $1 RETURNING name", name)
        return bool(rows)


class ConnectionTable(Table):
    """The port ``Connections`` in one transaction."""

    async def of(self, provider: Provider) -> Connection | None:
        rows = await self._rows(
            "SELECT document::text AS document FROM provider_connection WHERE provider = $1",
            str(provider),
        )
        return restore(Connection, json.loads(rows[0]["document"])) if rows else None

    async def take(self, provider: Provider) -> Connection | None:
        # Not the row's own lock: there may be no row yet.
        await self._lock(Lock.PROVIDER)
        return await self.of(provider)

    async def save(self, connection: Connection) -> None:
        document = json_text(plain(connection))
        await self._connection.execute_query(_SAVE, [str(connection.provider), document])
