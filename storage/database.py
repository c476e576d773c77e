"""Open and close the database: one context manager, one configuration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from tortoise import Tortoise, connections
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionContext
from tortoise.connection import get_connections
from tortoise.transactions import in_transaction

from engine.errors import InvalidInput

#: What a database says that does not let us in: a password, a name, a start, too many others.
REFUSALS = (
    asyncpg.InvalidAuthorizationSpecificationError
    | asyncpg.InvalidCatalogNameError
    | asyncpg.CannotConnectNowError
    | asyncpg.TooManyConnectionsError
)


def configuration(url: str, *, pool: int = 10) -> dict[str, Any]:
    """Tortoise's configuration for a PostgreSQL URL.

    A unix socket is written as ``postgres://user@/name?host=/folder``.
    """
    if urlsplit(url).scheme not in ("postgres", "postgresql", "asyncpg"):
        raise InvalidInput(
            "DATABASE_URL must be a PostgreSQL address such as postgres://user:secret@host:5432/name"
        )
    url = "asyncpg:" + url.split(":", 1)[1]
    separator = "&" if urlsplit(url).query else "?"
    return {
        "connections": {"default": f"{url}{separator}minsize=1&maxsize={pool}"},
        "apps": {
            "storage": {
                "models": ["storage.models"],
                "default_connection": "default",
                "migrations": "storage.migrations",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


@asynccontextmanager
async def open_database(url: str, *, pool: int = 10) -> AsyncIterator[None]:
    """Connect Tortoise for the length of the block; every task of the process may use it."""
    await Tortoise.init(config=configuration(url, pool=pool), _enable_global_fallback=True)
    try:
        yield
    finally:
        await Tortoise.close_connections()


@asynccontextmanager
async def transaction() -> AsyncIterator[BaseDBAsyncClient]:
    """A transaction, or a savepoint inside the task's own one.

    When the server goes, ``BEGIN`` or the way back into the pool may fail on a connection whose end
    nobody has noticed yet. Tortoise then leaves it as the task's own and keeps its place in the
    pool: every later transaction of that task would fail, for good. What is left is undone here.
    """
    context, has_begun = in_transaction(), False
    try:
        async with context as connection:
            has_begun = True
            yield connection
    except BaseException:
        _undo(context, is_held=not has_begun)
        raise


def _undo(context: TransactionContext, *, is_held: bool) -> None:
    """``is_held`` is that nobody gives the connection back. One that had begun was given back, and
    the pool itself goes on with that when we are cancelled: it must not be cut off under it.
    """
    token = getattr(context, "token", None)
    if token is None:
        return
    with suppress(ValueError):  # the usual case: it was undone already
        get_connections().reset(token)
        if is_held:
            with suppress(asyncpg.InterfaceError):
                context.client._connection.terminate()


async def schema_version() -> str:
    """The last migration the open database has."""
    rows = await connections.get("default").execute_query_dict(
        "SELECT name FROM tortoise_migrations WHERE app = 'storage' ORDER BY name DESC LIMIT 1"
    )
    return str(rows[0]["name"]) if rows else ""
