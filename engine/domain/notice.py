"""What people are told: facts and ids, never text; words are found when it is sent."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from engine.domain.person import Person, Role
from engine.domain.preferences import Loudness, Topic


class Kind(StrEnum):
    """What a notice is about."""

    IDEA = "idea"
    CARD = "card"
    ORDER = "order"
    TRADE_CLOSED = "trade_closed"
    POSITION_ORDER = "position_order"
    HALT = "halt"
    STATE = "state"
    SETTINGS = "settings"
    STRATEGY = "strategy"
    UNKNOWN_ORDER = "unknown_order"
    STARTED = "started"
    ANCHOR = "anchor"
    ASKS_TO_JOIN = "asks_to_join"
    STRANGER = "stranger"
    ROLE = "role"
    ROLE_OF = "role_of"
    HALT_CARD = "halt_card"
    HALT_OPEN = "halt_open"
    PART_LOST = "part_lost"
    UNREACHABLE = "unreachable"
    MISSED = "missed"
    FILLED = "filled"
    REFUSED = "refused"
    DIGEST = "digest"
    TERMINAL = "terminal"
    COMMAND_FAILED = "command_failed"
    LIVE = "live"
    FEED = "feed"
    PROVIDER = "provider"
    WEBHOOK = "webhook"
    TRADE_LOST = "trade_lost"
    TRAINING = "training"
    TRAINING_CARD = "training_card"
    MODEL = "model"
    PROPOSAL = "proposal"
    PROPOSAL_DUE = "proposal_due"
    PROPOSAL_ENDED = "proposal_ended"
    BRIEF = "brief"
    REVIEW = "review"

    @property
    def topic(self) -> Topic | None:
        """What a person chooses it by; None is told to everyone it is for."""
        return _TOPICS.get(self)


_TOPICS = {
    Kind.IDEA: Topic.IDEAS,
    Kind.FILLED: Topic.FILLS,
    Kind.TRADE_CLOSED: Topic.CLOSES,
    Kind.REFUSED: Topic.REFUSALS,
    Kind.HALT: Topic.HALTS,
    Kind.HALT_OPEN: Topic.HALTS,
    Kind.STATE: Topic.HALTS,
    Kind.SETTINGS: Topic.SETTINGS,
    Kind.STRATEGY: Topic.SETTINGS,
    Kind.MODEL: Topic.SETTINGS,
    Kind.STARTED: Topic.SYSTEM,
    Kind.ANCHOR: Topic.SYSTEM,
    Kind.PART_LOST: Topic.SYSTEM,
    Kind.UNREACHABLE: Topic.SYSTEM,
    Kind.TERMINAL: Topic.SYSTEM,
    Kind.FEED: Topic.SYSTEM,
    Kind.PROVIDER: Topic.SYSTEM,
    Kind.WEBHOOK: Topic.SYSTEM,
    Kind.DIGEST: Topic.DIGEST,
    Kind.BRIEF: Topic.BRIEFS,
    Kind.REVIEW: Topic.REVIEWS,
}

#: These only draw again what is there already: of several that wait, one is enough.
REFRESHES = frozenset((Kind.CARD, Kind.HALT_CARD, Kind.TRAINING_CARD))


class Priority(StrEnum):
    """Who goes first when not everything can be sent at once."""

    SAFETY = "safety"
    ANSWER = "answer"
    TRADE = "trade"
    NORMAL = "normal"
    REFRESH = "refresh"

    @property
    def rank(self) -> int:
        """0 is sent first."""
        return list(Priority).index(self)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told: everyone from a role up but one person, or one person alone."""

    at_least: Role = Role.VIEWER
    person_id: int | None = None
    but: int | None = None

    def holds(self, person: Person) -> bool:
        """Whether a person is in it."""
        if self.person_id is not None:
            return person.id == self.person_id
        return person.role.rank >= self.at_least.rank and person.id != self.but


#: A trouble that lasts rings once, and again when this long has passed.
CAUSE_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A fact to tell. ``key`` makes it tell once: the same key is never queued twice.

    Notices of one ``cause`` share a message: a second within :data:`CAUSE_WINDOW` raises its
    counter, one that ``is_resolved`` says on it that the trouble is over. ``reason`` is the code by
    which people choose among notices of one kind.
    """

    kind: Kind
    key: str
    priority: Priority
    detail: dict[str, Any] = field(default_factory=dict)
    cause: str | None = None
    is_resolved: bool = False
    reason: str | None = None

    @property
    def shares(self) -> bool:
        """Whether it shares a message with others of its cause."""
        return self.cause is not None and self.kind not in REFRESHES

    def loudness_for(self, person: Person) -> Loudness:
        """How a person wants it; what has no topic is told to everyone it is for."""
        if self.kind.topic is None:
            return Loudness.ON
        return person.notify.loudness(self.kind.topic, self.reason)


@dataclass(frozen=True, slots=True)
class HaltSeen:
    """Who has seen a halt, and when."""

    person_id: int
    name: str
    role: Role
    at: datetime
