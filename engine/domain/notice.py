"""What people are told: facts and ids, never text; words are found when it is sent."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.domain.person import Role


class Kind(StrEnum):
    """What a notice is about."""

    IDEA = "idea"
    CARD = "card"
    ORDER = "order"
    TRADE_CLOSED = "trade_closed"
    HALT = "halt"
    STATE = "state"
    SETTINGS = "settings"
    UNKNOWN_ORDER = "unknown_order"
    STARTED = "started"
    ANCHOR = "anchor"
    TERMINAL = "terminal"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A fact to tell. ``key`` makes it tell once: the same key is never queued twice."""

    kind: Kind
    key: str
    priority: Priority
    detail: dict[str, Any] = field(default_factory=dict)
