"""The people of a bot: who they are, what they may do, how they read."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from engine.domain.preferences import Preferences
from engine.errors import NotAllowed

#: Wrong codes a stranger may try in this time; after them there is silence until it is over.
WRONG_CODES = 5
WRONG_CODES_SPAN = timedelta(hours=1)

#: How often somebody without access is told that they have none.
NEUTRAL_SPAN = timedelta(days=1)


class Role(StrEnum):
    """What a person may do; each role includes the ones before it.

    ``refused`` are people who were not let in or were put out; ``pending`` are those who asked.
    """

    REFUSED = "refused"
    PENDING = "pending"
    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Position in the order of power."""
        return list(Role).index(self)

    @property
    def has_access(self) -> bool:
        """Whether somebody of this role is shown anything at all."""
        return self.rank >= Role.VIEWER.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A Telegram user by numeric id; ``chat_id`` is their private chat with the bot.

    ``version`` counts the changes of the role, ``decided_by`` names who made the last one and
    ``decided_at`` says when. ``unreachable_since`` is set while they have blocked the bot, or it
    cannot write to them. ``last_seen`` is when they last used it, to the minute.
    """

    id: int
    name: str
    role: Role
    language: str = "en"
    timezone: str = "UTC"
    chat_id: int
    version: int = 1
    decided_by: str = ""
    decided_at: datetime | None = None
    last_seen: datetime | None = None
    unreachable_since: datetime | None = None
    notify: Preferences = field(default_factory=Preferences)

    @property
    def reachable(self) -> bool:
        """Whether they can be written to."""
        return self.unreachable_since is None

    def must_be(self, role: Role) -> None:
        """Raise :class:`NotAllowed` unless the person holds the role or a higher one."""
        if self.role.rank < role.rank:
            raise NotAllowed(f"this needs the role {role}; yours is {self.role}", needs=role)

    def with_role(self, role: Role, *, by: str, at: datetime) -> "Person":
        """The same person in another role, which somebody gave them."""
        return replace(self, role=role, version=self.version + 1, decided_by=by, decided_at=at)


class Told(StrEnum):
    """What somebody at the door was told."""

    CLAIMED = "claimed"
    WELCOME = "welcome"
    ASKED = "asked"
    WRONG_CODE = "wrong_code"
    TURNED_AWAY = "turned_away"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """What is remembered of somebody without access, so that they cause and learn little.

    ``wrong_codes`` are counted from ``first_wrong``. ``update_id`` and ``told`` are the last
    message and the answer to it: one that is handled twice is answered alike and counted once.
    """

    person_id: int
    wrong_codes: int = 0
    first_wrong: datetime | None = None
    answered_at: datetime | None = None
    reported: bool = False
    update_id: int | None = None
    told: Told = Told.NOTHING

    def wrong_lately(self, now: datetime) -> int:
        """How many wrong codes count against the next one."""
        if self.first_wrong is None or now - self.first_wrong >= WRONG_CODES_SPAN:
            return 0
        return self.wrong_codes

    def with_wrong_code(self, now: datetime) -> "Knock":
        """One more wrong code; the first after a pause begins to count anew."""
        before = self.wrong_lately(now)
        first = self.first_wrong if before else now
        return replace(self, wrong_codes=before + 1, first_wrong=first)

    def may_be_answered(self, now: datetime) -> bool:
        """Whether a neutral answer is due again."""
        return self.answered_at is None or now - self.answered_at >= NEUTRAL_SPAN
