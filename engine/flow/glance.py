"""The account as views show it: asked of the venue once for many who look, and a moment old.

Never for what decides: the gate, a tap, a send and the books ask the venue themselves. Its type is
no ``Broker``, so that it cannot be given to them by mistake.
"""

import asyncio
from asyncio import Task
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta

from engine.domain.account import Account, Position
from engine.domain.decision import Action
from engine.errors import BrokerSilent
from engine.ports import Books, Store

#: How old figures may be that a person looks at.
LIFE = timedelta(seconds=5)
#: After one of these the account is another one, whichever process did it.
CHANGES = (Action.ORDER_FILLED, Action.POSITION_CHANGED, Action.POSITION_CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What the venue showed; ``account`` is None when it did not answer. ``age`` is how old it is.

    ``mark`` is the last record that a trade of ours changed, ``at`` seconds of the timer.
    """

    account: Account | None
    positions: tuple[Position, ...]
    mark: int
    at: float
    age: timedelta = timedelta(0)


@dataclass(eq=False, kw_only=True)
class Glance:
    """Reads of one venue for views. ``timer`` counts seconds from anywhere. With a ``life`` of zero
    the venue is asked each time.

    What is shown is dropped when it is older than its life, or a trade was filled, changed or
    closed since. Those who ask meanwhile wait for one answer; a venue that is silent is asked again
    by the next.
    """

    books: Books
    store: Store
    timer: Callable[[], float]
    life: timedelta = LIFE
    _kept: Glimpse | None = field(default=None, init=False)
    _flight: tuple[int, Task[Glimpse]] | None = field(default=None, init=False)

    @property
    def account_id(self) -> str:
        """The venue's account."""
        return self.books.account_id

    @property
    def is_live(self) -> bool:
        """Whether real money moves there."""
        return self.books.is_live

    async def account(self) -> Account:
        """Money; raises ``BrokerSilent``."""
        seen = (await self.look()).account
        if seen is None:
            raise BrokerSilent("the broker does not answer")
        return seen

    async def positions(self) -> tuple[Position, ...]:
        """Open trades; raises ``BrokerSilent``."""
        seen = await self.look()
        if seen.account is None:
            raise BrokerSilent("the broker does not answer")
        return seen.positions

    async def look(self, mark: int | None = None) -> Glimpse:
        """Account and open trades of one moment, with their age.

        ``mark`` is the last record of :data:`CHANGES`, for who has read it already.
        """
        if not self.life:
            return await self._fetch(0)
        if mark is None:
            mark = await self._mark()
        kept = self._kept
        if kept is None or kept.mark != mark or self._age(kept) > self.life:
            kept = await self._together(mark)
        return Glimpse(
            account=kept.account,
            positions=kept.positions,
            mark=kept.mark,
            at=kept.at,
            age=self._age(kept),
        )

    def _age(self, seen: Glimpse) -> timedelta:
        return timedelta(seconds=max(0.0, self.timer() - seen.at))

    async def _mark(self) -> int:
        async with self.store.begin() as tx:
            last = await tx.history.list(actions=CHANGES, limit=1)
        return last[0].seq if last else 0

    async def _together(self, mark: int) -> Glimpse:
        """The answer that is on its way, if it was asked since the last change; else a new one."""
        if self._flight is None or self._flight[0] != mark or self._flight[1].done():
            # Whoever asked first may leave; the answer is for the others too.
            task = asyncio.get_running_loop().create_task(self._fetch(mark), context=copy_context())
            self._flight = (mark, task)
        return await asyncio.shield(self._flight[1])

    async def _fetch(self, mark: int) -> Glimpse:
        # As old as the question: the venue may have answered from before the last moment.
        at = self.timer()
        try:
            account, positions = await self.books.account(), await self.books.positions()
        except BrokerSilent:
            return Glimpse(account=None, positions=(), mark=mark, at=at)
        seen = Glimpse(account=account, positions=positions, mark=mark, at=at)
        if self._kept is None or mark >= self._kept.mark:
            self._kept = seen
        return seen
