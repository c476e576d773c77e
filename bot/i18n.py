"""Words in a person's language: gettext catalogues, one file per subject, read by Babel.

aiogram has a gettext layer of its own, but the courier and the workers must not import aiogram
(seconds and 170 MB), and both need the same words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from gettext import c2py
from html import escape
from importlib.resources import files
from re import Match
from re import compile as pattern
from typing import Any
from unicodedata import bidirectional
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_decimal_symbol

#: Languages with a catalogue, the first is the one everything else falls back to.
LANGUAGES = ("en", "es", "pt-BR", "de", "ru", "ar")

#: The sign of what is below zero, in every language.
MINUS = "−"

#: Marks of direction (Unicode standard annex 9): where a line reads right to left, and parts of it
#: that keep an order of their own.
RIGHT_TO_LEFT_MARK, LEFT_TO_RIGHT, FIRST_STRONG, POP = "\u200f", "\u2066", "\u2068", "\u2069"
_COMMAND = pattern(r"(?<![<\w/])/(?:[a-z][a-z_]*|\{command\})(?: [A-Z]{6}\b)?")
_TAG = pattern(r"<[^>]+>")
_CODED, _MARKS = pattern(r"(?s)<code>(.*?)</code>"), pattern("[\u200f\u2066\u2068\u2069]")


class Html(str):
    """Text that is HTML already; everything else is escaped when it enters a sentence."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Words:
    """A person's language, zone and way of writing numbers."""

    language: str
    timezone: str = "UTC"

    def __call__(self, key: str, **values: Any) -> Html:
        """The text of a key with its values put in; values that are not :class:`Html` are escaped.

        Raises ``KeyError`` for a key no catalogue has: a defect a test finds first.
        """
        count = values.get("count", 1)
        text = _text(self.language, key, count if isinstance(count, int) else 1)
        if not self.is_rtl:
            return Html(text.format_map({name: _safe(value) for name, value in values.items()}))
        text = text.format_map({name: _isolated(value) for name, value in values.items()})
        text = _CODED.sub(_to_copy, text)
        return Html("\n".join(_from_the_right(line) for line in text.split("\n")))

    def has(self, key: str) -> bool:
        """Whether there are words for a key."""
        return key in _catalogue(LANGUAGES[0]).texts

    def number(self, value: Decimal | int, places: int | None = None) -> str:
        """A number as this language writes it, every digit kept unless ``places`` are asked for."""
        if places is None:
            places = max(0, -int(Decimal(value).as_tuple().exponent))
        pattern = "#,##0" + ("." + "0" * places if places else "")
        text: str = format_decimal(value, pattern, locale=self._locale, decimal_quantization=True)
        return text.replace("-", MINUS)

    def price(self, value: Decimal) -> str:
        """A price: digits and a point in every language, as terminals show it, so that it can be
        compared with one; kept left to right inside right-to-left text.
        """
        text = f"{value:f}".replace("-", MINUS)
        return f"{LEFT_TO_RIGHT}{text}{POP}" if self.is_rtl else text

    def money(self, value: Decimal, currency: str, *, signed: bool = False) -> str:
        """An amount with its currency; with ``signed`` a gain shows its plus."""
        text: str = format_currency(abs(value), currency, locale=self._locale)
        sign = MINUS if value < 0 else "+" if signed and value > 0 else ""
        if self.is_rtl:  # Arabic's own pattern would carry the sign to the far side
            return f"{LEFT_TO_RIGHT}{sign}{text.strip(RIGHT_TO_LEFT_MARK)}{POP}"
        return f"{sign}{text}"

    def time(self, instant: datetime, pattern: str = "HH:mm") -> str:
        """A moment in the person's zone, in CLDR pattern letters."""
        if self.language == "de":
            pattern = pattern.replace("d MMM", "d. MMM")
        text: str = format_datetime(instant, pattern, tzinfo=self._zone, locale=self._locale)
        return text

    def moment(self, instant: datetime) -> str:
        """Date, time and zone."""
        return f"{self.time(instant, 'd MMM y HH:mm')} {self.zone_name(instant)}"

    def stamp(self, instant: datetime, pattern: str = "d MMM HH:mm") -> str:
        """A moment of late with its zone: where a year would only take room."""
        return f"{self.time(instant, pattern)} {self.zone_name(instant)}"

    def local(self, instant: datetime) -> datetime:
        """A moment by the clock of the person's zone."""
        return instant.astimezone(self._zone)

    def zone_name(self, instant: datetime) -> str:
        """The zone's short name at an instant."""
        return self.local(instant).tzname() or self.timezone

    @property
    def decimal_sign(self) -> str:
        """What stands before the fraction of a number."""
        return str(get_decimal_symbol(self._locale))

    @property
    def is_rtl(self) -> bool:
        """Whether the language reads from right to left."""
        return bool(self._locale.text_direction == "rtl")

    @property
    def _locale(self) -> Locale:
        return _locale(self.language)

    @property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC")


def words_for(language: str, timezone: str = "UTC") -> Words:
    """Words for a language code as Telegram gives it; an unknown one gets the first language."""
    return Words(
        _CODES.get(language.replace("_", "-").split("-")[0].lower(), LANGUAGES[0]), timezone
    )


def entries(language: str, prefix: str) -> Mapping[str, str]:
    """Texts of one language whose keys begin alike, by the rest of the key."""
    texts = _catalogue(language).texts
    return {
        key.removeprefix(prefix): forms[0] for key, forms in texts.items() if key.startswith(prefix)
    }


_CODES = {code.split("-")[0]: code for code in LANGUAGES}


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


def _safe(value: Any) -> Any:
    if isinstance(value, Html) or not isinstance(value, str):
        return value
    return escape(value, quote=False)


def _isolated(value: Any) -> Any:
    """A value keeps its own direction inside a text that reads from right to left."""
    safe = _safe(value)
    if isinstance(value, Html) or not isinstance(safe, (str, int, Decimal)) or safe == "":
        return safe
    return safe if str(safe).startswith(LEFT_TO_RIGHT) else f"{FIRST_STRONG}{safe}{POP}"


def _to_copy(code: Match[str]) -> str:
    """A tap copies what is between these tags: marks, which nobody sees, stay outside."""
    bare = _MARKS.sub("", code[1])
    return code[0] if bare == code[1] else f"{FIRST_STRONG}<code>{bare}</code>{POP}"


def _from_the_right(line: str) -> str:
    """A line that starts with Latin letters or none would be laid out from the left; one without a
    single Arabic letter keeps its order as a whole, or its last figure would change sides.
    """
    strong = [bidirectional(letter) for letter in _TAG.sub("", line)]
    kinds = [kind for kind in strong if kind in ("L", "R", "AL")]
    if not line or (kinds and kinds[0] != "L"):
        return line
    if "L" in kinds and not {"R", "AL"} & set(kinds):
        return f"{RIGHT_TO_LEFT_MARK}{LEFT_TO_RIGHT}{line}{POP}"
    return f"{RIGHT_TO_LEFT_MARK}{line}"


def _text(language: str, key: str, count: int) -> str:
    for tried in (language, LANGUAGES[0]):
        catalogue = _catalogue(tried)
        forms = catalogue.texts.get(key)
        if forms is not None:
            return forms[catalogue.plural(count)] if len(forms) > 1 else forms[0]
    raise KeyError(f"no catalogue has the key {key!r}")


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """Every key of a language with its plural forms; a key without plurals has one form."""

    texts: Mapping[str, tuple[str, ...]]
    plural: Callable[[int], int]


@cache
def _catalogue(language: str) -> _Catalogue:
    folder = files("locales") / language.replace("-", "_") / "LC_MESSAGES"
    texts: dict[str, tuple[str, ...]] = {}
    plural = "0"
    for path in folder.iterdir():
        if path.name.endswith(".po"):
            with path.open("rb") as file:
                messages = read_po(file, locale=language.replace("-", "_"))
            texts |= {
                _one(message.id): _forms(message.string) for message in messages if message.id
            }
            plural = messages.plural_expr
    if _locale(language).text_direction == "rtl":
        texts = {key: tuple(_commands(form) for form in forms) for key, forms in texts.items()}
    return _Catalogue(texts, c2py(plural))


def _commands(text: str) -> str:
    """A command keeps its stroke in front in a text that reads from right to left."""
    return _COMMAND.sub(lambda found: f"{LEFT_TO_RIGHT}{found[0]}{POP}", text)


def _one(key: Any) -> str:
    return str(key) if isinstance(key, str) else str(key[0])


def _forms(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)
