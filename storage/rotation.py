"""Under which keys the vault's values are, and to bring all of them under the first one.

Each value is a transaction of its own, and whether it is done stands in the value itself: who is
killed in between has lost nothing, and goes on where they were by beginning again.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tortoise import connections

from engine.errors import NoEncryptionKey, SecretUnreadable
from storage.database import transaction
from storage.sealing import KeyRing
from storage.secrets import place_of

_PAGE = 200
_COUNT = "SELECT split_part(value, ':', 1) AS key, count(*) AS count FROM secret GROUP BY 1"
_LEFT = """
SELECT name FROM secret WHERE split_part(value, ':', 1) <> $1 AND name > $2 ORDER BY name LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many values were encrypted anew, and the names of those that no key here opens."""

    done: int
    unreadable: tuple[str, ...]


async def count_by_key() -> Mapping[str, int]:
    """How many values there are under each key's id. The database must be open."""
    rows = await connections.get("default").execute_query_dict(_COUNT)
    return Counter({row["key"]: row["count"] for row in rows})


async def unreadable(keys: KeyRing) -> tuple[str, ...]:
    """Names of values that these keys do not open: each is tried."""
    rows = await connections.get("default").execute_query_dict(
        "SELECT name, value FROM secret ORDER BY name"
    )
    return tuple(row["name"] for row in rows if not _opens(keys, row["name"], row["value"]))


def _opens(keys: KeyRing, name: str, value: str) -> bool:
    try:
        keys.open(value, place_of(name))
    except SecretUnreadable:
        return False
    return True


async def rotate(keys: KeyRing) -> Rotated:
    """Encrypt every value anew that is not under the first key; raises :class:`NoEncryptionKey`."""
    if not keys.keys:
        raise NoEncryptionKey("there is no key to encrypt with: set ENCRYPTION_KEYS")
    done, bad, last = 0, [], ""
    while rows := await connections.get("default").execute_query_dict(
        _LEFT, [keys.ids[0], last, _PAGE]
    ):
        for row in rows:
            last = row["name"]
            try:
                done += await _anew(keys, last)
            except SecretUnreadable:
                bad.append(last)
    return Rotated(done, tuple(bad))


async def _anew(keys: KeyRing, name: str) -> bool:
    """False for a value that is gone since, or under the first key already."""
    async with transaction() as connection:
        rows = await connection.execute_query_dict(
            "SELECT value FROM secret WHERE name = $1 FOR UPDATE", [name]
        )
        if not rows or rows[0]["value"].startswith(f"{keys.ids[0]}:"):
            return False
        sealed = keys.seal(keys.open(rows[0]["value"], place_of(name)), place_of(name))
        await connection.execute_query(
            "UPDATE secret SET value = $2, updated_at = clock_timestamp() WHERE name = $1",
            [name, sealed],
        )
        return True
