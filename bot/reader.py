"""Who is told something."""

from dataclasses import dataclass

from bot.i18n import Words
from engine.domain.person import Role


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told: in which words, and what they may do."""

    words: Words
    role: Role
    person_id: int | None = None
