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
        self._idle: asyncio.Future[None] | None = None

    async def __call__(self, key: Key) -> Found:
        """The answer for one key. Whatever a statement raises, everyone hears who waited for it."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()
        self._waiting.append((key, answer))
        if self._task is None or self._task.done():
            # A task, so that nobody's end is the end of what others wait for; outside of the
            # caller's context, where there might be a transaction.
            self._task = loop.create_task(self._work(), context=Context())
        elif self._idle is not None:
            _wake(self._idle)
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            try:
                async with connections.get("default").acquire_connection() as connection:
                    while self._waiting:
                        await self._answer(connection)
                        if not self._waiting:
                            await self._rest()
            except Exception as error:
                # No connection could be had, or given back.
                self._fail(self._waiting, error)
                self._waiting = []

    async def _answer(self, connection: asyncpg.Connection) -> None:
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            found = await self._statement(connection, [key for key, _ in batch])
        except Exception as error:
            self._fail(batch, error)
            raise
        for (_, answer), value in zip(batch, found, strict=True):
            if not answer.done():
                answer.set_result(value)

    async def _rest(self) -> None:
        """Until somebody comes, for a moment."""
        loop = asyncio.get_running_loop()
        self._idle = loop.create_future()
        end = loop.call_later(_KEPT, _wake, self._idle)
        try:
            await self._idle
        finally:
            end.cancel()
            self._idle = None

    def _fail(self, batch: Sequence[tuple[Key, asyncio.Future[Found]]], error: Exception) -> None:
        for _, answer in batch:
            if not answer.done():
                answer.set_exception(error)


def _wake(idle: asyncio.Future[None]) -> None:
    if not idle.done():
        idle.set_result(None)
