"""Lists for dashboards and scripts, read as columns: history, ideas, orders, fills, equity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.domain.decision import Action, Decision
from engine.domain.idea import IdeaStatus
from engine.domain.order import Order, OrderState
from engine.domain.pages import EquityLine, FillLine, HistoryLine, IdeaLine
from engine.domain.person import Role
from engine.domain.snapshot import Bundle
from engine.errors import NotFound
from engine.flow.people import must_be
from engine.flow.replay import bundle_of
from engine.ports import Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHistory:
    """The decision history, newest first."""

    store: Store

    async def __call__(
        self,
        person_id: int,
        *,
        symbol: str | None = None,
        action: Action | None = None,
        idea_id: UUID | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[HistoryLine]:
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            return await tx.pages.history(
                symbol=symbol, action=action, idea_id=idea_id, before=before, limit=limit
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRecord:
    """One record of the history by its id or by its number; raises :class:`NotFound`."""

    store: Store

    async def __call__(self, person_id: int, wanted: UUID | int) -> Decision:
        async with self.store.begin() as tx:
            return await self._record(tx, person_id, wanted)

    async def snapshot(self, person_id: int, wanted: UUID | int) -> Bundle:
        """What was seen; raises ``SnapshotNotFound`` for a record that rests on no bundle, and for
        one whose bundle was removed.
        """
        async with self.store.begin() as tx:
            return await bundle_of(tx, await self._record(tx, person_id, wanted))

    async def _record(self, tx: Transaction, person_id: int, wanted: UUID | int) -> Decision:
        await must_be(tx, person_id, Role.VIEWER)
        number = wanted if isinstance(wanted, int) else await tx.pages.decision(wanted)
        if number is None:
            raise NotFound(f"there is no decision {wanted}")
        return await tx.history.get(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageIdeas:
    """Trade ideas, newest first."""

    store: Store

    async def __call__(
        self,
        person_id: int,
        *,
        status: IdeaStatus | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[IdeaLine]:
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            return await tx.pages.ideas(status=status, before=before, limit=limit)

    async def open(self, person_id: int, limit: int) -> Sequence[IdeaLine]:
        """Those that wait, and those whose order or trade is under way."""
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            return await tx.pages.open_ideas(limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTrading:
    """Orders, fills, and what the account was worth; newest first."""

    store: Store
    account_id: str

    async def orders(
        self,
        person_id: int,
        *,
        state: OrderState | None = None,
        before: datetime | None = None,
        limit: int,
    ) -> Sequence[Order]:
        """Orders, by when they were written down."""
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            return await tx.pages.orders(state=state, before=before, limit=limit)

    async def fills(
        self, person_id: int, *, before: datetime | None = None, limit: int
    ) -> Sequence[FillLine]:
        """What the venue filled, by when."""
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            return await tx.pages.fills(before=before, limit=limit)

    async def equity(
        self, person_id: int, *, before: datetime | None = None, limit: int
    ) -> Sequence[EquityLine]:
        """The account as it was seen, by when."""
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            return await tx.pages.equity(self.account_id, before=before, limit=limit)
