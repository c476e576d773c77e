"""What every table object of a transaction does: ask the transaction's connection for rows."""

from collections.abc import Sequence
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from storage.locks import Lock


class Table:
    """One port in one transaction. The values after a query stand for its $1, $2 and so on."""

    def __init__(self, connection: BaseDBAsyncClient) -> None:
        self._connection = connection

    async def _rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What a query finds or returns, by the names of its columns; nothing is an empty list."""
        return await self._connection.execute_query_dict(query, list(values))

    async def _tuples(self, query: str, *values: Any) -> Sequence[Any]:
        """What a SELECT finds, as tuples in the order of its columns. An INSERT that returns rows
        needs :meth:`_rows`: here the driver has none of them.
        """
        return (await self._connection.execute_query(query, list(values)))[1]

    async def _lock(self, lock: Lock) -> None:
        """Wait until no other transaction holds the lock, and hold it to the end of this one."""
        await self._connection.execute_query("SELECT pg_advisory_xact_lock($1)", [lock])
