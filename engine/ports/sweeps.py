"""Where sweeps are kept, and taken from by any number of workers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from engine.domain.sweep import Shard, ShardFigures, Sweep


class Sweeps(Protocol):
    """Sweeps and their shards; a shard is one worker's at a time."""

    async def add(self, id_: UUID, title: str, source: str, shards: Sequence[Shard]) -> bool:
        """Keep a sweep; False when the same one is there already."""
        ...

    async def want(self, id_: UUID, person_id: int | None, message_id: int | None) -> None:
        """Somebody wants a sweep, and watches it in a message: one that was cancelled goes on."""
        ...

    async def get(self, id_: UUID) -> Sweep:
        """A sweep; raises ``NotFound``."""
        ...

    async def last(self, limit: int) -> Sequence[Sweep]:
        """The newest ones first."""
        ...

    async def shards(self, id_: UUID) -> Sequence[Shard]:
        """All of a sweep, in their order."""
        ...

    async def take(self, lease: timedelta, *, of: UUID | None = None) -> Shard | None:
        """The next shard that waits, or whose worker was not heard of for its lease; only one of
        many askers gets it.
        """
        ...

    async def renew(self, shard: Shard, lease: timedelta) -> bool:
        """Say that it is still worked on; False when it is somebody else's, or not wanted."""
        ...

    async def finish(
        self, shard: Shard, figures: ShardFigures | None, problem: str | None = None
    ) -> bool:
        """Keep what came of it, once; False when it is somebody else's by now."""
        ...

    async def cancel(self, id_: UUID) -> bool:
        """Run nothing more of it; False when it was over."""
        ...
