"""What the values of the API are: exact numbers in, plain texts, instants of a known zone."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    StrictBool,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from engine.domain.values import bounded
from engine.errors import InvalidInput

#: No control characters and no halves of characters; nothing else is forbidden.
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*")

#: RFC 3339, section 5.6.
INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _is_number(value: Any) -> Decimal:
    """A JSON number as it was written; no text, no truth value."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("is no number")
    return Decimal(value)


def _is_whole(value: Any) -> int:
    number = _is_number(value)
    if number != number.to_integral_value():
        raise ValueError("is no whole number")
    return int(number)


def _bounded(value: Decimal) -> Decimal:
    # As an error of this value, so that the answer names its field.
    try:
        return bounded(value)
    except InvalidInput:
        raise ValueError("is too large") from None


def _plain(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        raise ValueError("has a character that cannot be shown")
    return text


def _as_number(value: Decimal) -> float | int:
    """As other machines read it: every digit up to fifteen is the one that was meant."""
    return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)


def _is_instant(value: Any) -> Any:
    """A text of RFC 3339, and no number of seconds; a time of ours as it is."""
    if isinstance(value, datetime) or (isinstance(value, str) and INSTANT.fullmatch(value)):
        return value
    raise ValueError("is no instant such as 2026-01-31T12:00:00Z")


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no instant of this calendar") from None


class _NumberSchema:
    """A number is a number in the document, with its bounds by their names there: what pydantic
    writes of a Decimal allows texts, and bounds behind a function keep their Python names.
    """

    _BOUNDS = MappingProxyType(
        {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
    )

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(core)
        number = float if self._kind == "number" else int
        bounds = {said: number(found[name]) for name, said in self._BOUNDS.items() if name in found}
        return {"type": self._kind, **bounds}


#: A number that comes in, exact. Bounds are added where it is used.
Exact = Annotated[
    Decimal, BeforeValidator(_is_number), AfterValidator(_bounded), _NumberSchema("number")
]
#: A whole number that comes in.
Whole = Annotated[int, BeforeValidator(_is_whole), _NumberSchema("integer")]
Flag = StrictBool
#: A text that comes in.
Text = Annotated[
    str,
    StringConstraints(strict=True),
    AfterValidator(_plain),
    Field(json_schema_extra={"pattern": PLAIN}),
]
Instant = Annotated[AwareDatetime, BeforeValidator(_is_instant), AfterValidator(_in_utc)]
#: A number that goes out.
Number = Annotated[
    Decimal,
    PlainSerializer(_as_number, return_type=float | int),
    WithJsonSchema({"type": "number"}, mode="serialization"),
]
Symbol = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._#+-]{1,23}$")
]


class Given(BaseModel):
    """A body that comes in: what it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """A body that goes out."""

    model_config = ConfigDict(frozen=True)


class Done(Told):
    """It is so now."""

    status: Literal["ok"] = "ok"
