"""Numbers that people type: behind a command, or as a value in their own way of writing."""

import re
from unicodedata import digit

from aiogram.filters import CommandObject

from bot.i18n import Words
from engine.errors import InvalidInput

_GROUPED = re.compile(r"-?[1-9][0-9]{0,2}(\.[0-9]{3})+")


def number(command: CommandObject, words: Words) -> int:
    """The number a command names; raises :class:`InvalidInput` that shows how to write it."""
    text = (command.args or "").strip().removeprefix("#")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput(words("error.usage", example=f"/{command.command} 12"))
    return int(text)


def plain_number(text: str, words: Words) -> str:
    """A number as a person of this language types it, with a point and plain digits.

    Only the sign before the fraction and the shape of the digits are theirs. Digits in groups are
    left as no number, for whoever reads it to refuse: 1.000 must never become 1.
    """
    plain = "".join(str(digit(sign)) if sign.isdecimal() else sign for sign in text.strip())
    plain = plain.removesuffix("%").strip().replace("٫", ".")
    if words.decimal_sign != ",":
        return plain
    if _GROUPED.fullmatch(plain):
        return text.strip().replace(".", " ")
    return plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain
