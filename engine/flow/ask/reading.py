"""From a text to a question, or to the reason why it is none that can be answered from the record.

What is not understood is never left out: one unknown word, a second symbol, a condition or a "not"
where no question has one, and nothing is answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.domain.account import Direction
from engine.domain.ask import Asked, Intent
from engine.flow.ask import periods
from engine.flow.ask.grammar import IGNORED, RULES, TURN_DOWN
from engine.flow.ask.lexicon import LONGEST, Lexicon, Phrase

#: What a bare "why 12" may mean, in the order it is offered.
_BARE = ("idea", "decision")
_MOST_CHOICES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """``choices`` holds the question; several mean that it has to be asked back. With none,
    ``why`` is a code and ``said`` what it is about: ``unknown_words``, ``two`` (of a slot's name),
    ``narrow`` (by a slot's name), ``date``, ``no_number``, ``no_this``, ``too_long`` or
    ``no_question``.
    """

    choices: tuple[Asked, ...] = ()
    why: str = ""
    said: str = ""

    @property
    def asked(self) -> Asked | None:
        """The question, where there is exactly one."""
        return self.choices[0] if len(self.choices) == 1 else None


class _Unread(Exception):
    """Why a text is no question: a code, and what it is about."""

    def __init__(self, why: str, said: str = "") -> None:
        super().__init__(why)
        self.why, self.said = why, said


def read(
    text: str,
    lexicons: Sequence[Lexicon],
    *,
    about: int | None = None,
    asker: int | None = None,
) -> Reading:
    """Read a text in the first language that understands it; the first lexicon is the person's.

    ``about`` is the idea that is answered to; ``asker`` is who "I" is.
    """
    if len(text) > LONGEST:
        return Reading(why="too_long")
    found = [_read_in(text, lexicon, about, asker) for lexicon in lexicons]
    answered = [reading for reading in found if reading.choices]
    if answered:
        # One that has to be asked back in one language may be clear in another.
        return next((reading for reading in answered if reading.asked is not None), answered[0])
    # Why it was not understood is told in the language that came nearest.
    known = [reading for reading in found if reading.why != "unknown_words"]
    return next(iter(known), min(found, key=lambda reading: reading.said.count(" ")))


def _read_in(text: str, lexicon: Lexicon, about: int | None, asker: int | None) -> Reading:
    phrases, unknown = lexicon.read(text)
    if unknown:
        return Reading(why="unknown_words", said=" ".join(dict.fromkeys(unknown)))
    try:
        concepts, slots = _slots(phrases)
        if about is not None and not slots.keys() & {"idea", "decision", "period", "symbol"}:
            about_it = _all_choices(concepts, {**slots, "idea": about}, asker)
        else:
            about_it = []
            if "this" in concepts:
                raise _Unread("no_this")
        choices = about_it or _all_choices(concepts, slots, asker)
        if not choices:
            raise _failing(concepts, slots)
    except _Unread as problem:
        return Reading(why=problem.why, said=problem.said)
    return Reading(choices=tuple(choices[:_MOST_CHOICES]))


def _slots(phrases: Sequence[Phrase]) -> tuple[frozenset[str], dict[str, object]]:
    """Concepts without slots, and the slots that phrases fill; each may be filled once."""
    concepts: set[str] = set()
    slots: dict[str, object] = {}
    for phrase in phrases:
        filled = _filled(phrase)
        if filled is None:
            concepts.add(phrase.concept)
            continue
        name, value, concept = filled
        if slots.setdefault(name, value) != value:
            raise _Unread("two", name)
        if concept is not None:
            concepts.add(concept)
    return frozenset(concepts - {"filler"}), slots


def _filled(phrase: Phrase) -> tuple[str, object, str | None] | None:
    """The slot a phrase fills, with what, and the concept it is besides."""
    kind, _, rest = phrase.concept.partition(":")
    if kind in ("symbol", "strategy"):
        return kind, rest, None
    if kind == "person":
        return kind, int(rest), None
    if kind in ("buy", "sell"):
        return "direction", Direction(kind), "deed"
    if kind in ("idea_n", "decision_n", "number"):
        return _numbered(kind, phrase)
    if kind.startswith("p."):
        return "period", _period(kind.removeprefix("p."), phrase), None
    return None


def _numbered(kind: str, phrase: Phrase) -> tuple[str, object, str | None]:
    number = phrase.numbers[0]
    if kind == "number":
        return "number", number, None
    if number != number.to_integral_value():
        raise _Unread("no_number", phrase.said)
    return kind.removesuffix("_n"), int(number), None


def _period(name: str, phrase: Phrase) -> str:
    if name in ("date", "range"):
        if len(phrase.dates) != (1 if name == "date" else 2):
            raise _Unread("date", phrase.said)
        first, last = phrase.dates[0], phrase.dates[-1]
        if first > last:
            raise _Unread("date", phrase.said)
        return periods.days(first, last)
    if name in ("days", "hours", "weeks"):
        many = phrase.numbers[0]
        if many != many.to_integral_value() or not 1 <= many <= 366:
            raise _Unread("date", phrase.said)
        return f"h{many:f}" if name == "hours" else f"d{many * (7 if name == 'weeks' else 1):f}"
    return name


def _all_choices(
    concepts: frozenset[str], slots: Mapping[str, object], asker: int | None
) -> list[Asked]:
    """The questions of a text; of a word with two meanings, those of both."""
    if TURN_DOWN not in concepts:
        return _choices(concepts, slots, asker)
    rest = concepts - {TURN_DOWN}
    meanings = ("reject",) if "who" in concepts else ("refuse", "reject")
    found = [asked for one in meanings for asked in _choices(rest | {one}, slots, asker)]
    return list(dict.fromkeys(found))


def _choices(
    concepts: frozenset[str], slots: Mapping[str, object], asker: int | None
) -> list[Asked]:
    """Every question that these are, the same one once."""
    mine = concepts - IGNORED
    found = []
    for rule in RULES:
        given = _given(rule.slots, slots)
        if not rule.fits(mine) or not rule.takes(given):
            continue
        asked = _asked(rule.intent, given, rule.what_of(mine), rule.by_of(mine))
        if _is_own(asked, concepts):
            if asker is None:
                raise _Unread("no_this")
            asked = asked.but(person=asker)
        found.append(asked)
    found += _bare(mine, slots)
    return list(dict.fromkeys(found))


def _is_own(asked: Asked, concepts: frozenset[str]) -> bool:
    """Whether "I" is whose answers are asked about."""
    about = asked.intent is Intent.WHO and asked.idea is None and asked.person is None
    return about and "me" in concepts and "who" not in concepts


def _given(takes: frozenset[str], slots: Mapping[str, object]) -> dict[str, object]:
    """Slots as a rule has them: today needs no saying where the answer is of today."""
    if slots.get("period") == "today" and "today" in takes:
        return {name: value for name, value in slots.items() if name != "period"}
    return dict(slots)


def _asked(intent: Intent, slots: Mapping[str, object], what: str | None, by: str | None) -> Asked:
    number = slots.get("number")
    if isinstance(number, Decimal) and not 0 <= number <= 100:
        raise _Unread("no_number", f"{number:f}")
    return Asked(intent=intent, what=what, by=by, **slots)  # type: ignore[arg-type]


def _bare(concepts: frozenset[str], slots: Mapping[str, object]) -> list[Asked]:
    """Why 12: the idea or the decision, the person says which."""
    number = slots.get("number")
    if concepts != {"why"} or slots.keys() != {"number"} or not isinstance(number, Decimal):
        return []
    if number != number.to_integral_value() or number < 1:
        return []
    return [Asked(intent=Intent.WHY, **{name: int(number)}) for name in _BARE]  # type: ignore[arg-type]


def _failing(concepts: frozenset[str], slots: Mapping[str, object]) -> _Unread:
    """Why known words are no question: a slot too many, or words that do not go together."""
    mine = frozenset("refuse" if one == TURN_DOWN else one for one in concepts - IGNORED)
    for rule in RULES:
        if rule.fits(mine) and rule.must <= slots.keys():
            excess = [name for name in slots if name not in rule.slots | rule.must]
            return _Unread("narrow", excess[0])
    return _Unread("no_question")
