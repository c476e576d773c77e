"""Statements that many callers share: who comes while one is on its way goes along with the next.

However many terminals ask at once, no more than one statement runs for all of them, and an answer
is never older than the question.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

import asyncpg
from tortoise import connections

Key = TypeVar("Key")
Found = TypeVar("Found")

#: Keys of one statement.
_MOST = 256
#: Seconds a connection is kept for the next who comes: giving it back costs another statement.
_KEPT = 0.05

#: A statement for some keys; its answers are in the keys' order.
Statement = Callable[[asyncpg.Connection, Sequence[Key]], Awaitable[Sequence[Found]]]


class Shared(Generic[Key, Found]):
    """One kind of statement, on a connection of the pool and in a transaction of its own."""

    def __init__(self, statement: Statement[Key, Found]) -> None:
        self._statement = statement
        self._waiting: list[tuple[Key, asyncio.Future[Found]]] = []
        self._task: asyncio.Task[None] | None = None
        #: A connection that nobody uses; who comes alone takes it without waiting for the task.
        self._free: asyncpg.Connection | None = None
        self._is_used = self._is_good = False
        self._idle: asyncio.Future[None] | None = None

    async def __call__(self, key: Key) -> Found:
        """The answer for one key. Whatever a statement raises, everyone hears who waited for it."""
        if self._free is not None:
            return await self._alone(self._free, key)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()
        self._waiting.append((key, answer))
        if self._task is None or self._task.done():
            # A task, so that nobody's end is the end of what others wait for; outside of the
            # caller's context, where there might be a transaction.
            self._task = loop.create_task(self._work(), context=Context())
        return await answer

    async def _alone(self, connection: asyncpg.Connection, key: Key) -> Found:
        self._free, self._is_used, good = None, True, False
        try:
            (found,) = await self._statement(connection, [key])
            good = True
            return found
        finally:
            self._free, self._is_good = connection, good
            if self._waiting or not good:
                self._wake()

    async def _work(self) -> None:
        while self._waiting:
            try:
                async with connections.get("default").acquire_connection() as connection:
                    self._is_good = True
                    while self._waiting and self._is_good:
                        await self._together(connection)
                        if not self._waiting:
                            await self._rest(connection)
            except Exception as error:
                # No connection could be had, or this one is broken.
                waiting, self._waiting = self._waiting, []
                _fail(waiting, error)

    async def _together(self, connection: asyncpg.Connection) -> None:
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            found = await self._statement(connection, [key for key, _ in batch])
        except Exception as error:
            _fail(batch, error)
            raise
        for (_, answer), value in zip(batch, found, strict=True):
            if not answer.done():
                answer.set_result(value)

    async def _rest(self, connection: asyncpg.Connection) -> None:
        """Until several come at once, nobody came for a moment, or the connection is broken."""
        self._free, self._is_used = connection, True
        try:
            while self._free is None or (self._is_good and self._is_used and not self._waiting):
                self._is_used = False
                await self._moment()
        finally:
            self._free = None

    async def _moment(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.create_future()
        end = loop.call_later(_KEPT, self._wake)
        try:
            await self._idle
        finally:
            end.cancel()

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)


def _fail(batch: Sequence[tuple[Key, asyncio.Future[Found]]], error: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(error)
