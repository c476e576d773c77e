"""A question about the record as it was understood, and what the record holds about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from re import compile as pattern
from uuid import UUID

from engine.domain.account import Direction
from engine.errors import InvalidInput


class Intent(StrEnum):
    """What is asked; each has one look-up over the record."""

    WHY = "why"
    NONE = "none"
    WHO = "who"
    REFUSED = "refused"
    LIMITS = "limits"
    CONFIDENCE = "confidence"
    EXPOSURE = "exposure"
    RESULT = "result"
    BEST = "best"
    WOULD = "would"
    THRESHOLD = "threshold"
    BLOCKED = "blocked"
    LAST = "last"
    NEWS = "news"
    HALTS = "halts"
    ACTIVITY = "activity"
    LOST = "lost"
    HELP = "help"


#: Letters of a slot in the short form; they are in buttons, which live long, and never change.
_SLOTS = {
    "symbol": "s", "period": "p", "direction": "d", "idea": "i", "decision": "r",
    "number": "n", "person": "u", "strategy": "g", "what": "w", "by": "b",
}  # fmt: skip
_NAMES = {letter: name for name, letter in _SLOTS.items()}
_WHOLE = ("idea", "decision", "person")
_TEXT = pattern(r"[^;=:\x00-\x1f]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An understood question. ``period`` is a code of ``engine.flow.ask.periods``; ``idea`` and
    ``decision`` are the numbers people say, ``number`` a threshold of 0 to 100, ``person`` an id;
    ``what`` narrows the intent and ``by`` says how results are grouped.
    """

    intent: Intent
    symbol: str | None = None
    period: str | None = None
    direction: Direction | None = None
    idea: int | None = None
    decision: int | None = None
    number: Decimal | None = None
    person: int | None = None
    strategy: str | None = None
    what: str | None = None
    by: str | None = None

    @property
    def slots(self) -> dict[str, object]:
        """What narrows it, by name."""
        return {n: v for n in _SLOTS if (v := getattr(self, n)) is not None}

    def code(self) -> str:
        """The question in a short form that :func:`asked_of` reads again; buttons carry it."""
        parts = [f"{_SLOTS[name]}={value}" for name, value in self.slots.items()]
        return ";".join((str(self.intent), *parts))

    def but(self, **slots: object) -> "Asked":
        """The same question with other slots."""
        return replace(self, **slots)  # type: ignore[arg-type]


def asked_of(code: str) -> Asked:
    """The question of a short form; raises :class:`InvalidInput` for anything else."""
    head, *parts = code.split(";")
    slots: dict[str, object] = {}
    try:
        for part in parts:
            letter, _, text = part.partition("=")
            slots[_NAMES[letter]] = _value(_NAMES[letter], text)
        return Asked(intent=Intent(head), **slots)  # type: ignore[arg-type]
    except (KeyError, ValueError, InvalidOperation) as error:
        raise InvalidInput("this button asks nothing that is known") from error


def _value(name: str, text: str) -> object:
    if not _TEXT.fullmatch(text):
        raise ValueError(text)
    if name in _WHOLE:
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise ValueError(text)
        return int(text)
    if name == "number":
        number = Decimal(text)
        if not 0 <= number <= 100:
            raise ValueError(text)
        return number
    return Direction(text) if name == "direction" else text


#: A value of the evidence; texts are codes, names and the record's own words.
Figure = Decimal | int | str | datetime | None
Row = Mapping[str, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the record holds about a question: figures by name, and rows of them.

    ``since`` and ``until`` are the instants of the market that were looked at. ``records`` are the
    numbers of decisions that prove it, ``ideas`` numbers and ids. ``missing`` is a code that says
    why there is no answer: what was asked for is not recorded. ``subject`` is the one thing it is
    all about, an idea's story or a record, for who shows it in full.
    """

    asked: Asked
    figures: Row = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    records: tuple[int, ...] = ()
    ideas: tuple[tuple[int, UUID], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    currency: str | None = None
    missing: str | None = None
    subject: object = None

    def number(self, name: str) -> Decimal | None:
        """A figure as a number; None where it is not known."""
        value = self.figures.get(name)
        return Decimal(value) if isinstance(value, Decimal | int) else None

    def count(self, name: str) -> int:
        """A figure that counts; zero where there is none."""
        value = self.figures.get(name)
        return value if isinstance(value, int) else 0

    def text(self, name: str) -> str:
        """A figure that is a code or a name; empty where there is none."""
        value = self.figures.get(name)
        return value if isinstance(value, str) else ""

    def moment(self, name: str) -> datetime | None:
        """A figure that is an instant."""
        value = self.figures.get(name)
        return value if isinstance(value, datetime) else None
