"""The people of a bot: who they are, what they may do, how they read."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.domain.preferences import Preferences
from engine.errors import NotAllowed


class Role(StrEnum):
    """What a person may do; each role includes the ones before it."""

    PENDING = "pending"
    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Position in the order of power."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A Telegram user by numeric id; ``chat_id`` is their private chat with the bot.

    ``unreachable_since`` is set while they have blocked the bot, or it cannot write to them.
    """

    id: int
    name: str
    role: Role
    language: str = "en"
    timezone: str = "UTC"
    chat_id: int
    unreachable_since: datetime | None = None
    notify: Preferences = field(default_factory=Preferences)

    def must_be(self, role: Role) -> None:
        """Raise :class:`NotAllowed` unless the person holds the role or a higher one."""
        if self.role.rank < role.rank:
            raise NotAllowed(f"this needs the role {role}; yours is {self.role}", needs=role)
