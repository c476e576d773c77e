"""Prices and volumes that are typed."""

from decimal import Decimal

from bot.i18n import Words
from engine.domain.values import decimal
from engine.errors import InvalidInput


def price(text: str, words: Words, example: str) -> Decimal:
    """A number above zero, with a point or a comma; raises :class:`InvalidInput` that shows how to
    write it.
    """
    plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    try:
        number = decimal(plain)
    except InvalidInput as error:
        raise InvalidInput(words("error.usage", example=example)) from error
    if not number > 0:
        raise InvalidInput(words("error.usage", example=example))
    return number
