"""One at a time: a lock in the database that its holder's death releases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg


class Sole:
    """Holds an advisory lock on a connection of its own, opened when first needed.

    Not inside a Tortoise transaction: tasks started within one would inherit its connection.
    """

    def __init__(self, url: str, number: int) -> None:
        self._url = url
        self._number = number
        self._connection: asyncpg.Connection | None = None
        self._here = asyncio.Lock()

    @asynccontextmanager
    async def try_enter(self) -> AsyncIterator[bool]:
        """True for the only one inside, in this process or any other; False at once otherwise."""
        if self._here.locked():
            yield False
            return
        async with self._here:
            connection = await self._open()
            mine = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._number))
            try:
                yield mine
            finally:
                if mine and not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock($1)", self._number)

    async def lost(self) -> None:
        """Return when the connection that held the lock is gone, and with it the lock."""
        gone = asyncio.Event()

        def tell(_: object) -> None:
            gone.set()

        connection = self._connection
        if connection is None or connection.is_closed():
            return
        connection.add_termination_listener(tell)
        try:
            await gone.wait()
        finally:
            if not connection.is_closed():
                connection.remove_termination_listener(tell)

    async def close(self) -> None:
        """Close the connection; a lock still held goes with it."""
        if self._connection is not None:
            await self._connection.close()

    async def _open(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url)
        return self._connection
