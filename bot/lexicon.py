"""The words that questions may be made of, out of the catalogues."""

from collections.abc import Mapping
from functools import cache

from bot.i18n import LANGUAGES, entries
from engine.flow.ask.lexicon import Lexicon, lexicon_of

_PREFIX = "lex."


@cache
def lexicons() -> Mapping[str, Lexicon]:
    """A lexicon of each language."""
    return {language: lexicon_of(language, entries(language, _PREFIX)) for language in LANGUAGES}


def why_in(language: str) -> str:
    """The word that asks for a reason, as the lexicon of a language has it first."""
    return entries(language, _PREFIX)["why"].split("|")[0].strip()
