"""What a language model said of an idea, and whether people are shown it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

#: Source 004, section 9.5, to the letter.
FALLBACK_RATIONALE = "LLM unavailable, fallback rationale."
#: What the history says of it, by the same section.
DEGRADED = "OPENAI_UNAVAILABLE"


class Fate(StrEnum):
    """What became of an explanation: shown; held back, because it said what is not on record; or
    there was none.
    """

    SHOWN = "shown"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One attempt, written once: of an idea in a language. ``reason`` says why it is not shown.

    ``prompt`` and ``answer`` are whole, as sent and as it came; ``text`` is what people see.
    ``tokens`` are those of this attempt alone. ``attempt`` counts those of the idea, from 1.
    """

    idea_id: UUID
    language: str
    fate: Fate
    evidence_hash: str
    prompt: str
    at: datetime
    reason: str | None = None
    answer: str = ""
    text: str = ""
    model: str | None = None
    asked_tokens: int = 0
    said_tokens: int = 0
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the language model cost on a day: tokens and money (settled, or reserved for what is
    under way), calls that were answered, failed, or were answered from memory, and explanations
    that were held back.
    """

    day: date
    tokens: int = 0
    cost: Decimal = Decimal(0)
    answered: int = 0
    failed: int = 0
    remembered: int = 0
    unsupported: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a day may cost; None is without a limit. Prices are money per million tokens."""

    tokens: int | None = None
    cost: Decimal | None = None
    price_asked: Decimal = Decimal(0)
    price_said: Decimal = Decimal(0)

    def cost_of(self, asked: int, said: int) -> Decimal:
        """What so many tokens cost."""
        return (asked * self.price_asked + said * self.price_said) / 1_000_000
