"""JSON between connector and client: strict to read, exact decimals both ways."""

import json
from decimal import Decimal
from typing import Any

#: Digits, point and sign of a number.
_LONGEST = 40


class Broken(ValueError):
    """No JSON that may be trusted; the text holds nothing of what came."""


def load(raw: bytes) -> Any:
    """A document with exact decimals. Raises :class:`Broken` for another encoding, NaN, numbers
    with too many digits or a repeated key.
    """
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_no_number,
            object_pairs_hook=_unique,
        )
    except Broken:
        raise
    except (ValueError, RecursionError):
        raise Broken("the body is not JSON") from None


def _decimal(text: str) -> Decimal:
    if "e" in text or "E" in text or len(text) > _LONGEST:
        raise Broken("a number has an exponent or too many digits")
    return Decimal(text)


def _whole(text: str) -> int:
    if len(text) > _LONGEST:
        raise Broken("a number has too many digits")
    return int(text)


def _no_number(text: str) -> Any:
    raise Broken(f"{text} is no number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Broken("a key is repeated")
    return document


def encode(value: Any) -> str:
    """A document as JSON text; decimals are numbers with every digit and without an exponent."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(encode(part) for part in value) + "]"
    return json.dumps(value)
