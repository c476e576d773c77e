"""JSON for other machines, with exact decimals: written digit by digit, read strictly."""

import json
import re
from decimal import Decimal
from typing import Any

from engine.domain.values import bounded
from engine.errors import InvalidInput

_LONGEST_NUMBER = 40
_SURROGATE = re.compile("[\ud800-\udfff]")


def written(value: Any) -> str:
    """JSON on one line. Decimals become numbers with every digit they have and no exponent.

    Raises :class:`InvalidInput` for what JSON has no form for: NaN, infinities, other types. Floats
    are refused too, because their digits are not the ones somebody meant.
    """
    if isinstance(value, Decimal):
        return f"{bounded(value):f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key(key)}:{written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(written(part) for part in value) + "]"
    if value is None or isinstance(value, bool | int | str):
        return json.dumps(value, ensure_ascii=True)
    raise InvalidInput(f"a {type(value).__name__} cannot be written as JSON")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise InvalidInput("a key of a JSON object is a text")
    return json.dumps(key)


def read(raw: bytes) -> Any:
    """A JSON document; numbers with a point become decimals.

    Raises :class:`InvalidInput` for another encoding, a byte order mark, NaN, an exponent, numbers
    of many digits, a repeated key, a lone surrogate, and something behind the end.
    """
    try:
        document = json.loads(
            raw.decode("utf-8"),
            parse_float=decimal,
            parse_int=whole,
            parse_constant=no_number,
            object_pairs_hook=unique,
        )
    except UnicodeDecodeError:
        raise InvalidInput("it is not UTF-8") from None
    except (ValueError, RecursionError):
        raise InvalidInput("it is not JSON") from None
    if _SURROGATE.search(json.dumps(document, default=str, ensure_ascii=False)):
        raise InvalidInput("a text has half a character")
    return document


def decimal(text: str) -> Decimal:
    """For ``parse_float``: every digit, no exponent; raises :class:`InvalidInput`."""
    if "e" in text or "E" in text or len(text) > _LONGEST_NUMBER:
        raise InvalidInput("a number has an exponent or too many digits")
    return Decimal(text)


def whole(text: str) -> int:
    """For ``parse_int``: no number of many digits; raises :class:`InvalidInput`."""
    if len(text) > _LONGEST_NUMBER:
        raise InvalidInput("a number has too many digits")
    return int(text)


def no_number(text: str) -> Any:
    """For ``parse_constant``: NaN and infinities are refused with :class:`InvalidInput`."""
    raise InvalidInput(f"{text} is no number")


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``object_pairs_hook``: a key comes once; raises :class:`InvalidInput`."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise InvalidInput("a key is repeated")
    return document
