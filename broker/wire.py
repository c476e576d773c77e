"""JSON between connector and client: strict to read, exact decimals both ways."""

import json
from decimal import Decimal
from typing import Any

from engine.domain.exact import decimal, no_number, unique, whole
from engine.errors import InvalidInput


class Broken(ValueError):
    """No JSON that may be trusted; the text holds nothing of what came."""


def load(raw: bytes) -> Any:
    """A document with exact decimals. Raises :class:`Broken` for another encoding, NaN, numbers
    with too many digits or a repeated key.
    """
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_float=decimal,
            parse_int=whole,
            parse_constant=no_number,
            object_pairs_hook=unique,
        )
    except InvalidInput as error:
        raise Broken(str(error)) from None
    except (ValueError, RecursionError):
        raise Broken("the body is not JSON") from None


def encode(value: Any) -> str:
    """A document as JSON text; decimals are numbers with every digit and without an exponent."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(encode(part) for part in value) + "]"
    return json.dumps(value)
