"""What a look at the whole machine finds: each finding is a code with facts, never text."""

from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: a fault keeps it from trading or answering, a warning may soon, a note is
    worth knowing.
    """

    FAULT = "fault"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found. ``facts`` are put into its words, ``doctor.<code>`` and
    ``doctor.fix.<code>``.
    """

    code: str
    level: Level
    facts: dict[str, str | int] = field(default_factory=dict)
