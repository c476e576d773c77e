"""The words of a language that questions may be made of, and how a text becomes them.

A lexicon is closed: a word that is not in it is not understood, and nothing is answered by guess.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from unicodedata import category, normalize

#: A question that is longer is no question.
LONGEST = 300
#: Of a phrase, in words.
_MOST = 8
#: Letters that are written in two ways: Arabic alefs, ya and ta marbuta, the Russian yo.
_LETTERS = str.maketrans("أإآٱىةؤئё", "اااايهويе")
#: A word of two of these is a market, watched or not.
_CURRENCIES = frozenset(
    "usd eur gbp jpy chf aud nzd cad sek nok dkk pln czk huf try zar mxn sgd hkd cny cnh xau xag"  # noqa: SIM905 -- fifty quotes are not easier to read
    " btc eth".split()
)
_PAIR = re.compile(r"(?<![^\W\d_])([a-z]{3})\s?[/\\]\s?([a-z]{3})(?![^\W\d_])")
_TOKEN = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})|#(?P<idea>\d{1,9})(?!\w)|(?P<number>\d{1,9}(?:[.,]\d{1,4})?)(?!\w)"
    r"|(?P<word>\w+)|(?P<percent>[%٪])|(?P<space>[\s?!.,:\"'¿¡؟،«»„“”’`]+)|(?P<other>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a question: ``kind`` is word, number, date, idea or other; ``plain`` the word as a
    lexicon has it, ``said`` as it was written.
    """

    kind: str
    plain: str
    said: str

    @property
    def value(self) -> Decimal:
        """A number's value."""
        return Decimal(self.plain.replace(",", "."))


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a part of a question means: a concept, with the numbers and dates that were in it."""

    concept: str
    said: str
    numbers: tuple[Decimal, ...] = ()
    dates: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Phrases of one language by their words; ``#`` stands for a number, ``@`` for a date."""

    language: str
    phrases: Mapping[tuple[str, ...], str]

    def with_names(self, names: Iterable[tuple[str, str]]) -> "Lexicon":
        """With (name, concept) of symbols, people and strategies; a word of the language wins."""
        more = {words_of(name): concept for name, concept in names if words_of(name)}
        return Lexicon(self.language, {**more, **self.phrases})

    def read(self, text: str) -> tuple[list[Phrase], list[str]]:
        """The phrases of a text, the longest first at each place, and the words that are none."""
        tokens = tokens_of(text)
        found: list[Phrase] = []
        unknown: list[str] = []
        place = 0
        while place < len(tokens):
            size, phrase = self._longest(tokens[place : place + _MOST])
            if phrase is None:
                unknown.append(tokens[place].said)
            else:
                found.append(phrase)
            place += size
        return found, unknown

    def _longest(self, ahead: list[Token]) -> tuple[int, Phrase | None]:
        for size in range(len(ahead), 0, -1):
            some = ahead[:size]
            concept = self.phrases.get(tuple(_key(token) for token in some))
            concept = concept or (_own(some[0]) if size == 1 else None)
            if concept is not None:
                return size, _phrase(concept, some)
        return 1, None


def lexicon_of(language: str, words: Mapping[str, str]) -> Lexicon:
    """A lexicon of phrases by concept, several to a concept with ``|`` between them.

    Raises ``ValueError`` where a phrase has two meanings.
    """
    phrases: dict[tuple[str, ...], str] = {}
    for concept, alternatives in words.items():
        for text in alternatives.split("|"):
            key = words_of(text)
            if phrases.setdefault(key, concept) != concept:
                raise ValueError(f"{language}: {text!r} is {phrases[key]} and {concept}")
    return Lexicon(language, phrases)


def words_of(text: str) -> tuple[str, ...]:
    """A phrase as a lexicon keeps it."""
    marked = text.replace("#", " \x02 ").replace("@", " \x03 ")
    marks = {"\x02": "#", "\x03": "@"}
    return tuple(marks.get(token.said, token.plain) for token in tokens_of(marked) if token.plain)


def tokens_of(text: str) -> list[Token]:
    """A text in pieces; letters without case, accents and vowel marks, digits as 0 to 9."""
    plain = _PAIR.sub(r"\1\2", folded(text))
    tokens = []
    for match in _TOKEN.finditer(plain):
        kind = match.lastgroup or "other"
        if kind != "space":
            kind = "word" if kind == "percent" else kind
            said = match[0]
            tokens.append(Token(kind, "%" if said in "%٪" else (match["idea"] or said), said))
    return tokens


def folded(text: str) -> str:
    """Letters as they are compared."""
    apart = normalize("NFD", text.casefold().translate(_LETTERS))
    kept = "".join(
        letter for letter in apart if category(letter) not in ("Mn", "Cf") and letter not in "ـ'’"
    )
    digits = "".join(_digit(letter) for letter in kept)
    return digits.translate(_LETTERS)


def _digit(letter: str) -> str:
    return str(int(letter)) if category(letter) == "Nd" else letter


def _key(token: Token) -> str:
    return {"number": "#", "date": "@"}.get(token.kind, token.plain)


def _own(token: Token) -> str | None:
    """What a piece means by itself, in every language."""
    base, quote = token.plain[:3], token.plain[3:]
    if token.kind == "word" and base in _CURRENCIES and quote in (*_CURRENCIES, "usdt"):
        return f"symbol:{token.plain.upper()}"
    return {"number": "number", "date": "p.date", "idea": "idea_n"}.get(token.kind)


def _phrase(concept: str, tokens: list[Token]) -> Phrase:
    numbers = tuple(t.value for t in tokens if t.kind in ("number", "idea"))
    dates = tuple(d for t in tokens if t.kind == "date" and (d := _date(t.plain)) is not None)
    return Phrase(concept, " ".join(token.said for token in tokens), numbers, dates)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
