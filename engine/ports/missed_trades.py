"""Open trades that the venue does not show any more."""

from collections.abc import Collection, Sequence
from typing import Protocol

from engine.domain.account import Position


class MissedTrades(Protocol):
    """How often a trade of ours was not among those the venue showed, and what was given up.

    A trade that was given up is neither open nor closed: it counts in no result. Should the venue
    show it or its end later, it is open, or closed, as any other.
    """

    async def look(self, account_id: str, shown: Collection[str]) -> None:
        """The venue answered and showed these positions; each open trade of the account's orders
        that is not among them was missed once more, and one that is was never missed.
        """
        ...

    async def vanished(self, account_id: str, *, looks: int, seconds: float) -> Sequence[Position]:
        """Open trades of the account's orders, as last seen, that were missed in at least so many
        looks in a row, the first of them at least so long ago.
        """
        ...

    async def give_up(self, position_id: str) -> bool:
        """Take a trade for ended in a way that nobody knows; False when it is not open."""
        ...
