"""The dashboard (sources 000 and 004): the account, the day, the state, the watched symbols."""

import asyncio
from asyncio import Task
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta

from engine.domain.pages import Board
from engine.domain.person import Role
from engine.flow.glance import CHANGES, LIFE, Glance, Glimpse
from engine.flow.overview import ReadStatus, Watched
from engine.flow.people import must_be
from engine.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """How it stands. The glimpse of the account and the watched symbols may be some seconds old;
    the board is of now.
    """

    board: Board
    glimpse: Glimpse
    watched: tuple[Watched, ...]


@dataclass(eq=False, kw_only=True)
class ReadDashboard:
    """Everything a dashboard shows, for as many as look.

    The watched symbols are computed once in a ``life``, as long as the account lives in its glance;
    with a life of zero they are computed each time. ``timer`` counts seconds from anywhere.
    """

    store: Store
    status: ReadStatus
    glance: Glance
    timer: Callable[[], float]
    life: timedelta = LIFE
    _kept: tuple[float, Task[tuple[Watched, ...]]] | None = field(default=None, init=False)

    async def __call__(self, person_id: int) -> Dashboard:
        async with self.store.begin() as tx:
            board = await tx.pages.board(self.glance.account_id, CHANGES, person_id)
            if board.role is None or not Role(board.role).has_access:
                await must_be(tx, person_id, Role.VIEWER)
        glimpse = await self.glance.look(board.mark)
        return Dashboard(board=board, glimpse=glimpse, watched=await self._watched())

    async def _watched(self) -> tuple[Watched, ...]:
        kept, now = self._kept, self.timer()
        if kept is None or now - kept[0] >= self.life.total_seconds() or _failed(kept[1]):
            # Whoever asked first may leave; the answer is for the others too.
            loop = asyncio.get_running_loop()
            task = loop.create_task(self.status.watch(), context=copy_context())
            kept = self._kept = (now, task)
        return kept[1].result() if kept[1].done() else await asyncio.shield(kept[1])


def _failed(task: Task[tuple[Watched, ...]]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
