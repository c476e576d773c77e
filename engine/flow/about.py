"""What runs: since when, on which schema, with which data, and in which state."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.person import Role
from engine.domain.state import Control
from engine.flow.people import person_at_least
from engine.ports import Clock, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """``schema`` is the database's last migration; ``feed`` is where the candles come from, and
    ``is_recorded`` whether they are played back.
    """

    schema: str
    uptime: timedelta
    feed: str
    is_recorded: bool
    is_live: bool
    control: Control


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAbout:
    """The same, for everyone who has access; ``started`` is when this process did."""

    store: Store
    clock: Clock
    started: datetime
    schema: Callable[[], Awaitable[str]]
    feed: str
    is_recorded: bool
    is_live: bool

    async def __call__(self, person_id: int) -> About:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            control = await tx.controls.read()
        return About(
            schema=await self.schema(),
            uptime=self.clock() - self.started,
            feed=self.feed,
            is_recorded=self.is_recorded,
            is_live=self.is_live,
            control=control,
        )
