"""What decisions rest on, by its hash."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from engine.domain.snapshot import Bundle


class Bundles(Protocol):
    """Snapshot bundles by their hash."""

    async def put(self, bundle: Bundle) -> str:
        """Store a bundle, once; the answer is its hash."""
        ...

    async def put_all(self, bundles: Sequence[Bundle]) -> Sequence[str]:
        """The same for many, in their order."""
        ...

    async def get(self, hash_: str) -> Bundle:
        """A bundle; raises ``SnapshotNotFound``."""
        ...

    async def find(self, hashes: Collection[str]) -> Mapping[str, Bundle]:
        """Those of these bundles that can be read; ``get`` says what is wrong with another."""
        ...

    async def retire(self, cutoff: datetime, limit: int) -> Sequence[str]:
        """Remove bundles, at most so many, that only no-trades from before the cutoff rest on, and
        the parts nothing else needs; the answer is their hashes. The transaction must write a
        record of it, or it cannot commit.
        """
        ...
