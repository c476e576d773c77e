"""Bounded reads of the record for questions: each is one index range, and counts so many rows at
most.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from engine.domain.decision import Action, Decision
from engine.domain.recorded import AnsweredBy, Became, Counted, Extent, TradeLine


class Recorded(Protocol):
    """Figures of the record between two instants of market time, ``until`` left out.

    What would go over more than ``most`` rows is None: an answer from a part of them is wrong.
    """

    async def counts(
        self,
        actions: Sequence[Action],
        since: datetime,
        until: datetime,
        *,
        symbol: str | None = None,
        most: int,
    ) -> Sequence[Counted] | None:
        """Records by action and result."""
        ...

    async def answers(
        self,
        actions: Sequence[Action],
        since: datetime,
        until: datetime,
        *,
        symbol: str | None = None,
        most: int,
    ) -> Sequence[AnsweredBy] | None:
        """The same by who acted."""
        ...

    async def proposed(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[Decision] | None:
        """The records that made ideas, whatever the gate said of them, oldest first."""
        ...

    async def trades(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[TradeLine] | None:
        """Trades that ended, oldest first."""
        ...

    async def became(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[Became] | None:
        """Ideas made in a time, by what people and checks made of them and what the market did."""
        ...

    async def extent(self) -> Extent:
        """What is recorded at all."""
        ...

    async def idea_of_message(self, chat_id: int, message_id: int) -> int | None:
        """The number of the idea whose card a message of ours is; None for any other message."""
        ...

    async def ask(self, person_id: int, seconds: int) -> tuple[int, datetime]:
        """Note a question: how many there were of this person in the running span of so many
        seconds, this one too, and when the next span begins.
        """
        ...
