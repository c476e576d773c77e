"""What a sentence that answers a question may rest on: one row of a look-up, never a mix of two.

A number that stands somewhere in the record can still be said of the wrong thing. So each sentence,
or each part of it between commas and "and", has to be borne out whole by one look-up's figures with
at most one of its rows: its numbers, its names, and what it says was done.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from engine.domain import ask
from engine.llm.claims import claims_against, is_of_nothing, says_yes_or_no, told_off
from engine.llm.counts import miscounted
from engine.llm.evidence import Evidence, Figure, Unit
from engine.llm.figures import figures as numbers_in
from engine.llm.figures import normal
from engine.llm.grounding import ground

#: Rows of a look-up that a model is given, and that a sentence may rest on.
MOST_ROWS = 12
_UNITS: Mapping[str, Unit] = {
    **dict.fromkeys(("profit", "best", "worst", "total", "equity", "risk_money", "long", "short"),
                    Unit.MONEY),
    **dict.fromkeys(("percent", "win_rate"), Unit.PERCENT),
    **dict.fromkeys(("total_r", "r", "favourable", "adverse"), Unit.R),
    **dict.fromkeys(("score", "threshold", "distance", "floor"), Unit.SCORE),
    **dict.fromkeys(("entry", "stop_loss"), Unit.PRICE),
    "volume": Unit.LOTS,
}  # fmt: skip
#: Of what a limit is told: its name decides in what it is counted.
_OF_LIMITS = ("used", "limit", "left")
_LIMITS_IN_MONEY = ("max_drawdown_amount", "daily_profit_target")
#: Whole numbers that name a record or an idea; nothing is counted by them.
_NUMBERS = ("number", "last", "idea", "version")
#: Words right before a number that claim it is this figure, in the languages of the catalogues.
_LABELS: Mapping[str, tuple[str, ...]] = {
    "profit": ("profit", "beneficio", "lucro", "gewinn", "прибыль", "الربح"),
    "win_rate": ("win rate", "tasa de aciertos", "taxa de acerto", "trefferquote",
                 "доля прибыльных", "نسبة الربح"),
    "score": ("confidence", "confianza", "confiança", "konfidenz", "уверенность", "الثقة"),
    "threshold": ("threshold", "umbral", "limiar", "schwelle", "порог", "العتبة"),
    "entry": ("entry", "entrada", "einstieg", "вход", "الدخول"),
    "stop_loss": ("stop", "stop-loss", "стоп", "وقف الخسارة"),
}  # fmt: skip
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TOKENS = re.compile(r"[\w-]+")
_PARTS = re.compile(r"[,;:—–]\s+|\s+(?:and|y|e|und|и|а|but|pero|mas|aber|но)\s+|\s+و(?=\w)")
_COUNT_PARTS = r"[,;—–]\s+|\s+(?:and|y|e|und|и|а|but|pero|mas|aber|но)\s+|\s+و(?=\w)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One thing a sentence may be about. ``codes`` are the record's words for what was done;
    ``people`` who it says did it; ``called`` is what one of several rows goes by: a sentence about
    it has to say so.
    """

    evidence: Evidence
    codes: frozenset[str]
    people: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()


def scopes_of(found: ask.Evidence, more: Evidence | None = None) -> tuple[Scope, ...]:
    """A look-up's figures alone, then with each of its rows; ``more`` is what else is on record of
    the one thing it is about.
    """
    base = _scope(found, {})
    rows = [_scope(found, row) for row in found.rows[:MOST_ROWS]]
    if len(rows) == 1:
        # There is nothing that it could be taken for.
        rows = [replace(rows[0], called=frozenset())]
    scopes = (base, *rows)
    if more is not None:
        scopes = (_joined(base, more), *scopes)
    return scopes


def unsupported(
    sentence: str, scopes: Sequence[Scope], people: Iterable[str], language: str
) -> tuple[str, ...]:
    """What a sentence says that no scope bears out; nothing means that it may be shown.

    ``people`` are the names of everybody who could have done something.
    """
    resting = [scope for scope in scopes if _rests_on(sentence, scope)]
    if not resting:
        return (sentence[:80],)
    nothing = all(is_of_nothing(scope.evidence, scope.codes) for scope in resting)
    wrong = tuple(told_off(sentence, nothing))
    if wrong:
        return wrong
    known = tuple(people)
    wrong = _of_best(sentence, scopes, known, language)
    parts = [part.strip() for part in _PARTS.split(sentence) if part.strip()]
    if not wrong or len(parts) < 2:
        return wrong
    found = [each for part in parts for each in _of_best(part, scopes, known, language)]
    return tuple(dict.fromkeys(found))


def _of_best(
    part: str, scopes: Sequence[Scope], people: Sequence[str], language: str
) -> tuple[str, ...]:
    """What is wrong with a part by the scope that bears out most of it."""
    best: tuple[str, ...] | None = None
    for scope in scopes:
        if scope.called and not _is_called(part, scope.called):
            continue
        wrong = _wrong(part, scope, people, language)
        if not wrong:
            return ()
        if best is None or len(wrong) < len(best):
            best = wrong
    return best or (part[:80],)


def _is_called(part: str, called: frozenset[str]) -> bool:
    """Whether a part says which row it is about: by a name, or by two words of a long one."""
    low = part.casefold()
    for name in called:
        words = [word for word in re.split(r"[_\W]+", name.casefold()) if word]
        if _named(part, (name, " ".join(words))):
            return True
        if len(words) > 2 and sum(word in low for word in words) >= 2:
            return True
    return False


def _wrong(part: str, scope: Scope, people: Sequence[str], language: str) -> tuple[str, ...]:
    found = [*claims_against(part, scope.evidence, scope.codes), *_others(part, scope, people)]
    if not found and scope.people and says_yes_or_no(part) and not _named(part, scope.people):
        found = [part[:80]]
    if found:
        return tuple(found)
    # Every part is counted by itself: a sentence may have words for both of two counts.
    rest = []
    for piece in re.split(_COUNT_PARTS, part):
        wrong, plain = miscounted(piece, scope.evidence, language)
        found += wrong
        rest.append(plain)
    # The figures are looked at last: that is the part that costs.
    return tuple(found) or ground(" , ".join(rest), scope.evidence, language).unsupported


def _others(part: str, scope: Scope, people: Sequence[str]) -> Iterator[str]:
    """People who are named and whom this part of the record does not name."""
    mine = {name.casefold() for name in scope.evidence.names}
    for name in people:
        if name.casefold() not in mine and _named(part, (name,)):
            yield name


def _named(part: str, names: Iterable[str]) -> bool:
    low = part.casefold()
    return any(
        re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", low) for name in names if name
    )


def _rests_on(sentence: str, scope: Scope) -> bool:
    """Whether a sentence names anything that is on record: without, nothing can be held against
    it.
    """
    if any(True for _ in numbers_in(normal(sentence), "en")):
        return True
    return _named(sentence, (*scope.evidence.names, *scope.evidence.ids))


def _scope(found: ask.Evidence, row: ask.Row) -> Scope:
    values = [*found.figures.items(), *row.items()]
    texts = [text for _, text in values if isinstance(text, str) and text]
    numbers = [number for name, number in values if name in _NUMBERS and isinstance(number, int)]
    instants = [value for _, value in values if isinstance(value, datetime)]
    instants += [day for text in texts for day in _days(text)]
    slots = [str(value) for value in found.asked.slots.values()]
    evidence = Evidence(
        figures=(*_figures(found, {**found.figures, **row}), *_asked(found)),
        instants=(*instants, *(at for at in (found.since, found.until) if at is not None)),
        names=frozenset(_names([*texts, *slots, found.currency or ""])),
        ids=frozenset(
            str(number)
            for number in (*numbers, *found.records, *(number for number, _ in found.ideas))
        ),
    )  # fmt: skip
    nonzero = [name for name, value in values if isinstance(value, Decimal | int) and value]
    codes = {*(text.lower() for text in texts), *(str(name).lower() for name in nonzero)}
    codes |= {str(found.asked.intent), str(found.asked.what or "")}
    codes |= {"missing"} if found.missing else set()
    who = row.get("by") or found.figures.get("by")
    people = frozenset((who,)) if isinstance(who, str) and who else frozenset[str]()
    called = frozenset(
        str(value)
        for name, value in row.items()
        if (isinstance(value, str) and value) or (name in ("key", "number") and value is not None)
    )
    return Scope(evidence=evidence, codes=frozenset(codes), people=people, called=called)


def _joined(scope: Scope, more: Evidence) -> Scope:
    one = scope.evidence
    joined = Evidence(
        figures=(*one.figures, *more.figures),
        instants=(*one.instants, *more.instants),
        names=one.names | more.names,
        ids=one.ids | more.ids,
    )
    facts = frozenset(word for fact in more.facts for word in fact.lower().split())
    return Scope(evidence=joined, codes=scope.codes | facts, people=scope.people)


def _figures(found: ask.Evidence, row: ask.Row) -> Iterator[Figure]:
    of_limit = str(row.get("name", ""))
    for name, value in row.items():
        if not isinstance(value, Decimal | int) or name in _NUMBERS:
            continue
        unit = _UNITS.get(name, Unit.COUNT)
        if name in _OF_LIMITS and of_limit:
            unit = Unit.MONEY if of_limit in _LIMITS_IN_MONEY else Unit.PERCENT
            unit = Unit.COUNT if of_limit == "max_concurrent_trades" else unit
        yield Figure(
            name=_counted(row) if name == "records" else name,
            value=Decimal(value),
            unit=unit,
            labels=_LABELS.get(name, ()),
            currency=found.currency if unit is Unit.MONEY else None,
        )  # fmt: skip


def _counted(row: ask.Row) -> str:
    """What the records of a row are counts of: an action, or a refusal by its kind."""
    kinds = {"fail": "refused", "blocked": "held"}
    return str(row.get("action") or kinds.get(str(row.get("kind"))) or "records")


def _asked(found: ask.Evidence) -> Iterator[Figure]:
    """A length of time or a threshold that was asked for may be said again."""
    length = re.fullmatch(r"[dh](\d+)", found.asked.period or "")
    if length is not None:
        unit, scale = (Unit.MINUTES, 1440 if (found.asked.period or "")[0] == "d" else 60)
        yield Figure(name="length", value=Decimal(length[1]) * scale, unit=unit)
    if found.asked.number is not None:
        yield Figure(name="threshold", value=found.asked.number, unit=Unit.SCORE)


def _days(text: str) -> Iterator[datetime]:
    """A day that results were put together by."""
    if _DAY.fullmatch(text):
        with suppress(ValueError):
            yield datetime.fromisoformat(text).replace(tzinfo=UTC)


def _names(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield text
        yield from (word for word in _TOKENS.findall(text) if not word.isdecimal())
