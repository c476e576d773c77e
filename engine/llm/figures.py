"""Figures in a text: where they stand, and every number each may mean in a language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from unicodedata import digit, normalize, numeric

from engine.llm.lexicon import COMPOUND, MINUS, NUMBER_WORDS, PLUS, TIMES

#: Marks between groups of three digits, besides points and commas.
_SPACES = "\u00a0\u202f\u2009"
_GROUPS = f" {_SPACES}'’٬"
_CORE = re.compile(
    r"\d{1,3}(?: \d{3})+(?!\d)(?:[.,٫]\d+)?"
    rf"|(?:\d+|(?<![\w.,])[.,](?=\d))(?:[.,٫٬'’{_SPACES}]?\d+)*"
)
_WORD = re.compile(r"[^\W\d_]+", re.U)
_MOST = 400


@dataclass(frozen=True, slots=True)
class Seen:
    """A figure of a text. ``start`` and ``end`` are its place; ``sign`` is -1, 1, or 0 when none is
    written; ``values`` are all it may mean, without the sign, and ``places`` how many digits stand
    behind the point of each. ``before`` and ``after`` are letters that touch it.
    """

    start: int
    end: int
    text: str
    sign: int
    values: tuple[tuple[Decimal, int], ...]
    before: str = ""
    after: str = ""


def normal(text: str) -> str:
    """The text with every decimal digit of any script as 0 to 9, and letters that are only drawn in
    another way as themselves.
    """
    return "".join(_plain_digit(character) for character in normalize("NFKC", text))


def _plain_digit(character: str) -> str:
    if character.isascii() or not character.isdecimal():
        return character
    return str(digit(character))


def odd(text: str) -> Iterator[str]:
    """Characters that are figures and no digits: fractions, powers, other scripts' numerals."""
    for character in text:
        if not character.isdecimal() and numeric(character, None) is not None:
            yield character


def figures(text: str, language: str) -> Iterator[Seen]:
    """Every figure of a :func:`normal` text, digits first, then those in words."""
    for count, found in enumerate(_CORE.finditer(text)):
        if count >= _MOST:
            return
        start, end = found.span()
        before, after = _touching(text, start, end)
        yield Seen(
            start=start,
            end=end,
            text=text[start - len(before) : end + len(after)],
            sign=_sign(text, start - len(before)),
            values=tuple(_scaled(readings(found[0], language), after)),
            before=before,
            after=after,
        )
    for found in re.finditer(COMPOUND, text.lower()):
        yield Seen(found.start(), found.end(), found[0], 0, ())
    for found in _WORD.finditer(text):
        value = _in_words(found[0].lower())
        if value is not None and not (found[0].lower() == "once" and language != "es"):
            sign = _sign(text, found.start())
            values = ((value, max(0, -int(value.as_tuple().exponent))),)
            yield Seen(found.start(), found.end(), found[0], sign, values)


def readings(core: str, language: str) -> tuple[Decimal, ...]:
    """Every number that digits with marks may mean: English has a point before the fraction and
    commas between thousands; of the others each is written both ways, prices with a point.
    """
    marks = [(".", f",{_GROUPS}")]
    if language != "en":
        marks.append((",", f".{_GROUPS}"))
    marks.append(("٫", f",{_GROUPS}"))
    found = {value for point, group in marks if (value := _parse(core, point, group)) is not None}
    return tuple(sorted(found))


def _parse(core: str, point: str, groups: str) -> Decimal | None:
    whole, sign, fraction = core.partition(point)
    if (sign and not fraction.isdecimal()) or not (whole or fraction):
        return None
    used = {mark for mark in whole if not mark.isdecimal()}
    if not used:
        return Decimal(f"{whole or '0'}.{fraction}" if sign else whole)
    mark = used.pop()
    parts = whole.split(mark)
    if used or mark not in groups or not 1 <= len(parts[0]) <= 3:
        return None
    if any(len(part) != 3 or not part.isdecimal() for part in parts[1:]):
        return None
    return Decimal("".join(parts) + (f".{fraction}" if sign else ""))


def _scaled(values: tuple[Decimal, ...], after: str) -> Iterator[tuple[Decimal, int]]:
    power = TIMES.get(after.lower(), 0)
    for value in values:
        yield value.scaleb(power), max(0, -int(value.as_tuple().exponent)) - power


def _touching(text: str, start: int, end: int) -> tuple[str, str]:
    """The letters right before and behind a figure."""
    before = re.search(r"[^\W\d]+$", text[max(0, start - 40) : start])
    after = re.match(r"[^\W\d]\w*", text[end : end + 40])
    return (before[0] if before else ""), (after[0] if after else "")


def _sign(text: str, start: int) -> int:
    """What is written before a figure: a hyphen between two figures, or after a letter, is none."""
    head = text[max(0, start - 20) : start]
    mark = re.search(r"(?:^|[\s(\[:=≈~$€£])([+−–—-])\s?[$€£]?$", head)
    if mark and not re.search(r"\s-\s$|\s–\s$|\s—\s$", head):
        return 1 if mark[1] == "+" else -1
    word = re.search(r"([^\W\d_]+)\s+$", head)
    if word and matches(word[1].lower(), MINUS):
        return -1
    return 1 if word and matches(word[1].lower(), PLUS) else 0


def matches(word: str, listed: str) -> bool:
    """Whether a lower-case word is one of a list of the lexicon."""
    whole, beginnings = _listed(listed)
    return word in whole or any(word.startswith(start) for start in beginnings)


@cache
def _listed(listed: str) -> tuple[frozenset[str], tuple[str, ...]]:
    words = listed.split()
    whole = frozenset(word for word in words if not word.endswith("*"))
    return whole, tuple(word[:-1] for word in words if word.endswith("*"))


@lru_cache(maxsize=8192)
def _in_words(word: str) -> Decimal | None:
    # Arabic writes "and", "by", "for" and "the" at the front of a word.
    bare = (
        re.sub(r"^[وبلفك]?(?:ال)?(?=\w{3})", "", word) if "\u0600" <= word[0] <= "\u06ff" else word
    )
    for value, listed in NUMBER_WORDS.items():
        if matches(word, listed) or matches(bare, listed):
            return Decimal(value)
    return None
