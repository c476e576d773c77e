"""Open and close the database: one context manager, one configuration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from tortoise import Tortoise, connections

from engine.errors import InvalidInput


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


async def schema_version() -> str:
    """The last migration the open database has."""
    rows = await connections.get("default").execute_query_dict(
        "SELECT name FROM tortoise_migrations WHERE app = 'storage' ORDER BY name DESC LIMIT 1"
    )
    return str(rows[0]["name"]) if rows else ""
