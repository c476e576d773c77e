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

#: A statement for some keys; its answers are in the keys' order.
Statement = Callable[[asyncpg.Connection, Sequence[Key]], Awaitable[Sequence[Found]]]


class Shared(Generic[Key, Found]):
    """One kind of statement, on a connection of the pool and in a transaction of its own."""

    def __init__(self, statement: Statement[Key, Found]) -> None:
        self._statement = statement
        self._waiting: list[tuple[Key, asyncio.Future[Found]]] = []
        self._running = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, key: Key) -> Found:
        """The answer for one key. Whatever a statement raises, everyone hears who waited for it."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()
        self._waiting.append((key, answer))
        if not self._running:
            self._running = True
            # A task, so that nobody's end is the end of what others wait for; outside of the
            # caller's context, where there might be a transaction.
            task = loop.create_task(self._work(), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _work(self) -> None:
        batch: list[tuple[Key, asyncio.Future[Found]]] = []
        try:
            async with connections.get("default").acquire_connection() as connection:
                while self._waiting:
                    batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                    found = await self._statement(connection, [key for key, _ in batch])
                    for (_, answer), value in zip(batch, found, strict=True):
                        if not answer.done():
                            answer.set_result(value)
                # Who comes while the connection is given back does not wait for that.
                self._running = False
        except Exception as error:
            self._running = False
            waiting, self._waiting = batch + self._waiting, []
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
