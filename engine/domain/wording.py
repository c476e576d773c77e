"""A question that a language model is asked, and what became of its answer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Why a model's text is not shown, besides the reasons why there is none.
UNSUPPORTED = "unsupported"
#: Who asked has stopped it.
STOPPED = "stopped"
#: It was cut off in the middle, by a restart; it is not begun again.
ABANDONED = "abandoned"


class Verdict(StrEnum):
    """What became of a model's answer: shown; held back, for it named what is not on record; there
    was none.
    """

    SHOWN = "shown"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question as it waits. ``key`` names the update it came with: the same comes once.

    ``about`` is the number of the idea it is about; ``code`` the question in its short form, where
    it was understood and the model is to say the answer in words.
    """

    key: str
    person_id: int
    language: str
    question: str
    about: int | None = None
    code: str | None = None
    id: int = 0
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of asking a model, written once. ``reason`` says why nothing of it is shown: a
    trouble of the model's, or what was not on record; ``looked_up`` are the questions in their
    short form that it looked up; ``said`` is all it said last, ``text`` what people see.
    """

    person_id: int | None
    language: str
    question: str
    verdict: Verdict
    reason: str | None
    looked_up: tuple[str, ...]
    said: str
    text: str
    model: str | None
    asked_tokens: int
    said_tokens: int
    at: datetime
