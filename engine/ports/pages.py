"""Lists as tables show them: the quick reads of dashboards, which restore no documents."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from engine.domain.decision import Action
from engine.domain.idea import IdeaStatus
from engine.domain.order import Order, OrderState
from engine.domain.pages import Board, EquityLine, FillLine, HistoryLine, IdeaLine


class Pages(Protocol):
    """Pages of lists, the newest first. ``before`` is where the last page ended."""

    async def history(
        self,
        *,
        symbol: str | None = None,
        action: Action | None = None,
        idea_id: UUID | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[HistoryLine]:
        """Records of the decision history, by number."""
        ...

    async def decision(self, id_: UUID) -> int | None:
        """The number of the record with this id; None when there is none."""
        ...

    async def ideas(
        self, *, status: IdeaStatus | None = None, before: int | None = None, limit: int
    ) -> Sequence[IdeaLine]:
        """Ideas, by number."""
        ...

    async def open_ideas(self, limit: int) -> Sequence[IdeaLine]:
        """Ideas that wait, and those whose order or trade is under way."""
        ...

    async def orders(
        self, *, state: OrderState | None = None, before: datetime | None = None, limit: int
    ) -> Sequence[Order]:
        """Orders, by when they were written down."""
        ...

    async def fills(self, *, before: datetime | None = None, limit: int) -> Sequence[FillLine]:
        """What the venue filled, by when."""
        ...

    async def equity(
        self, account_id: str, *, before: datetime | None = None, limit: int
    ) -> Sequence[EquityLine]:
        """The account as it was seen, by when."""
        ...

    async def board(self, account_id: str, marks: Sequence[Action], person_id: int) -> Board:
        """How it stands; ``marks`` are the actions after which an account is another one."""
        ...
