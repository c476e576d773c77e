"""Is everything that a text names on record? Every number with its unit, symbol, time and id.

A pure function over the text of a model and the evidence it was given. What it does not understand
is not supported. It cannot see a wrong word without a figure, which is why no decision rests on
such a text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import lru_cache
from unicodedata import name

from engine.llm.evidence import Evidence, Figure, Unit
from engine.llm.figures import Seen, figures, matches, normal, odd
from engine.llm.lexicon import CAPITALS, CURRENCIES, LOSS, MARKETS
from engine.llm.moments import moments
from engine.llm.units import unit_of

_HEX = re.compile(r"#?\b(?=[0-9a-f-]*\d)[0-9a-f]{4,}(?:-[0-9a-f]{4,})*\b")
_IDS = re.compile(r"[#№]\s?(\d[\w-]*)")
_MIXED = re.compile(r"(?<![\w])(?=[\w/-]*[^\W\d_])(?=[\w/-]*\d)[^\W_][\w]*")
_CAPITALS = re.compile(r"(?<![\w])[A-Z][A-Z0-9]{2,}(?:[/._-][A-Z0-9]{2,})*(?![\w])")
_PAIR = re.compile(r"(?<![\w])([a-z]{3,4})[/-]?([a-z]{3,4})(?![\w])", re.I)
_RATIO = re.compile(r"(?<![\d.,:])1\s?:\s?(\d{1,3}(?:[.,]\d{1,2})?)(?![\d:])")
_LETTERS = re.compile(r"[^\W\d_]+")
#: What may stand between a label and its number.
_BETWEEN = re.compile(
    r"(?:\(\d{1,3}\)|[\s:=~≈(]|is|at|of|was|now|near|es|está|de|en|é|em|ist|liegt|bei|на|в|на|около"
    r"|عند|هو|هي|في|price|level|precio|preço|kurs|الى|إلى)*$"
)
#: How far a rounded figure may be from the one on record, in parts of it.
_NEAR = Decimal("0.02")
_PERIOD_REACH = 20


@dataclass(frozen=True, slots=True)
class Grounding:
    """What a text says that is not on record; nothing means that it may be shown."""

    unsupported: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether everything in it is on record."""
        return not self.unsupported


def ground(text: str, evidence: Evidence, language: str) -> Grounding:
    """Hold a text against the evidence; ``language`` is the one it was asked for in."""
    found: list[str] = list(odd(text))
    plain = normal(text)
    found += [*_disguised(plain), *_symbols(plain, evidence)]
    plain, wrong = _without(plain, _moments(plain, evidence))
    found += wrong
    plain, wrong = _without(plain, _records(plain, evidence))
    found += wrong
    found += [
        seen.text.strip()
        for seen in figures(plain, language)
        if not _is_known(seen, plain, evidence)
    ]
    return Grounding(tuple(dict.fromkeys(found)))


def _without(text: str, parts: Iterator[tuple[int, int, str, bool]]) -> tuple[str, list[str]]:
    """The text with the parts that were looked at blanked out, and those that are not known."""
    wrong = []
    for start, end, said, known in list(parts):
        text = text[:start] + " " * (end - start) + text[end:]
        if not known:
            wrong.append(said)
    return text, wrong


def _moments(text: str, evidence: Evidence) -> Iterator[tuple[int, int, str, bool]]:
    ratios = list(_RATIO.finditer(text))
    # A ratio may be written as a time of the day is: 1:20.
    known = [found for found in ratios if _is_ratio(found[1], evidence)]
    for found in known:
        yield *found.span(), found[0], True
    for each in moments(text, evidence):
        if not any(found.start() == each.start for found in known):
            yield each.start, each.end, each.text, each.is_known


def _is_ratio(said: str, evidence: Evidence) -> bool:
    value = Decimal(said.replace(",", "."))
    places = max(0, -int(value.as_tuple().exponent))
    return any(
        figure.unit is Unit.R and _rounds(figure.value, value, places, figure)
        for figure in evidence.figures
    )


def _records(text: str, evidence: Evidence) -> Iterator[tuple[int, int, str, bool]]:
    """Numbers of records, hashes, and names with digits in them, such as H1 or EMA20."""
    names = {name.lower() for name in evidence.names}
    for found in _IDS.finditer(text):
        yield *found.span(), found[0], found[1] in evidence.ids
    for found in _HEX.finditer(text):
        bare = found[0].lstrip("#")
        is_hash = any(letter.isalpha() for letter in bare) and len(bare) >= 6
        if is_hash:
            known = any(len(bare) >= 8 and id_.startswith(bare) for id_ in evidence.ids)
            yield *found.span(), found[0], known
    for found in _MIXED.finditer(text):
        if found[0].lower() in names or _is_indicator(found[0], evidence):
            yield *found.span(), found[0], True


def _is_indicator(word: str, evidence: Evidence) -> bool:
    """EMA20: a name and a period that are on record."""
    letters = re.match(r"[^\W\d_]+", word)
    rest = word[len(letters[0]) :] if letters else ""
    return (
        bool(letters)
        and rest.isdecimal()
        and any(
            figure.unit is Unit.PERIOD
            and figure.value == Decimal(rest)
            and letters is not None
            and letters[0].lower() in figure.labels
            for figure in evidence.figures
        )
    )


def _disguised(text: str) -> Iterator[str]:
    """Words of letters of more than one script, which read as what they are not."""
    for found in _LETTERS.finditer(text):
        if len({name(letter, "").split(" ")[0] for letter in found[0]}) > 1:
            yield found[0]


def _symbols(text: str, evidence: Evidence) -> Iterator[str]:
    names = {name.upper() for name in evidence.names}
    joined = {re.sub(r"[/._-]", "", name) for name in names}
    for found in _CAPITALS.finditer(text):
        said = found[0].upper()
        bare = re.sub(r"[/._-]", "", said)
        parts = re.split(r"[/._-]", said)
        if bare in joined or all(
            part in CAPITALS or part in names or part.isdecimal() for part in parts
        ):
            continue
        if not any(_is_indicator(part, evidence) for part in parts):
            yield found[0]
    for found in _PAIR.finditer(text):
        one, other = found[1].upper(), found[2].upper()
        if one in CURRENCIES and other in CURRENCIES and one + other not in joined:
            yield found[0]
    for found in _LETTERS.finditer(text):
        word = found[0].lower()
        wanted = _markets(word)
        if wanted and not any(code in name for code in wanted for name in names):
            yield found[0]
        if word in ("usdt", "usdc", "btc", "eth", "xau", "xag") and word.upper() not in "".join(
            joined
        ):
            yield found[0]


@lru_cache(maxsize=8192)
def _markets(word: str) -> frozenset[str]:
    """The codes of the markets that a word may mean."""
    return frozenset(code for listed, code in MARKETS.items() if matches(word, listed))


def _is_known(seen: Seen, text: str, evidence: Evidence) -> bool:
    if seen.before and seen.before not in ("R", "x", "v", "US"):
        return False
    unit, currencies, scale = unit_of(seen, text)
    if unit == "?":
        return False
    claimed = _claimed(seen, text, evidence)
    return any(
        _fits(seen, value * scale, places, figure, unit, currencies, text)
        for value, places in seen.values
        for figure in claimed
    )


def _claimed(seen: Seen, text: str, evidence: Evidence) -> tuple[Figure, ...]:
    """The figures that a number may be: those of the label right before it, if there is one."""
    head = text[max(0, seen.start - 60) : seen.start].lower()
    # Letters that touch the number are not of the label, and signs do not part it from one.
    head = _BETWEEN.sub("", head.rstrip("+−–—-$€£ "))
    labelled = [f for f in evidence.figures if any(_ends(head, label) for label in f.labels)]
    exact = tuple(figure for figure in labelled if figure.unit is not Unit.PERIOD)
    periods = tuple(figure for figure in evidence.figures if figure.unit is Unit.PERIOD)
    return (*exact, *periods) if exact else evidence.figures


def _ends(head: str, label: str) -> bool:
    if not head.endswith(label):
        return False
    front = head[: -len(label)]
    return not front or not front[-1].isalnum()


def _fits(
    seen: Seen,
    value: Decimal,
    places: int,
    figure: Figure,
    unit: str,
    currencies: frozenset[str],
    text: str,
) -> bool:
    kept = figure.value
    if figure.unit is Unit.PERIOD:
        return not unit and not seen.sign and value == kept and _is_near(seen, text, figure)
    if unit == "percent" and figure.unit is Unit.FRACTION:
        kept = kept * 100
    elif unit and not _is_of(figure, unit, currencies):
        return False
    if not _has_sign(seen, kept, figure, text):
        return False
    return _rounds(abs(kept), value, places, figure)


def _is_near(seen: Seen, text: str, figure: Figure) -> bool:
    """Whether an indicator's name stands beside what may be its period."""
    around = text[max(0, seen.start - _PERIOD_REACH) : seen.end + _PERIOD_REACH].lower()
    return any(re.search(rf"(?<![^\W\d_]){label}(?![^\W\d_])", around) for label in figure.labels)


def _is_of(figure: Figure, unit: str, currencies: frozenset[str]) -> bool:
    if unit == "money":
        # A price of gold in dollars is money too.
        return figure.unit in (Unit.MONEY, Unit.PRICE) and (figure.currency in currencies)
    return figure.unit == unit


def _has_sign(seen: Seen, kept: Decimal, figure: Figure, text: str) -> bool:
    """A minus belongs to what is below zero; without one, words have to say that it is a loss."""
    if kept == 0:
        return True
    if seen.sign:
        return (seen.sign > 0) == (kept > 0)
    if kept > 0:
        return True
    around = text[max(0, seen.start - 40) : seen.end + 25].lower()
    return any(matches(word, LOSS) for word in _LETTERS.findall(around))


def _rounds(kept: Decimal, value: Decimal, places: int, figure: Figure) -> bool:
    """Whether a number is the figure, whole or rounded to the digits that are shown."""
    if value == kept:
        return True
    if figure.places is not None and places < figure.places - 2:
        return False
    step = Decimal(1).scaleb(-places)
    rounded = [kept.quantize(step, rounding=way) for way in (ROUND_HALF_UP, ROUND_HALF_EVEN)]
    return value in rounded and abs(value - kept) <= kept * _NEAR
