"""Real money: which account it is, and who confirmed it."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from engine.domain.live import Confirmation, Identity, LiveView

#: The account of the venue now; a venue that does not answer has an unknown one, and never raises.
Identify = Callable[[], Awaitable[Identity]]
#: What holds of a real account now; None when the venue says that it is none.
LookLive = Callable[[], Awaitable[LiveView | None]]


class Confirmations(Protocol):
    """Admins' confirmations of real accounts, one for each."""

    async def of(self, account_id: str) -> Confirmation | None:
        """The one in force."""
        ...

    async def save(self, confirmation: Confirmation) -> None:
        """Put one in force, instead of an earlier one."""
        ...

    async def remove(self, account_id: str) -> bool:
        """Withdraw it; False when there is none."""
        ...
