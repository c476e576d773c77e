"""Which file goes with a message: found by what the parcel names, written when it is sent."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.errors import NotFound
from engine.flow.strategies import version_of
from engine.ports import Store
from engine.strategies.documents import slug, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Write a file: its name and its bytes. ``kind`` says which, the ids beside it of what.

    ``strategy`` is the rule document of a strategy's ``version``, by the strategy's ``id``.
    Raises :class:`NotFound` for what is not there.
    """

    store: Store

    async def __call__(self, document: dict[str, Any]) -> tuple[str, bytes]:
        if document["kind"] != "strategy":
            raise NotFound(f"there is no file of kind {document['kind']!r}")
        return await self._strategy(UUID(document["id"]), int(document["version"]))

    async def _strategy(self, id_: UUID, version: int) -> tuple[str, bytes]:
        """The name tells strategy and version, by which the file is known when it comes back."""
        async with self.store.begin() as tx:
            versions = await tx.settings.strategy_versions(id_)
        if not versions:
            raise NotFound(f"there is no strategy {id_}")
        strategy = version_of(versions, version).strategy
        return f"{slug(strategy.name)}-v{version}.json", text(strategy).encode()
