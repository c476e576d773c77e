"""What comes over the wire: a body read whole and strictly, and the arguments of a call from it."""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.api.fields import INSTANT
from bot.api.problems import Problem, places
from engine.domain.exact import no_number, unique, whole
from engine.errors import InvalidInput

LARGEST = 64 * 1024
#: Seconds a body may take to arrive.
PATIENCE = 9.0
#: Lists and objects within one another: what walks through them must not fall. And values in all:
#: what looks for mistakes names each. The longest that is asked for, 600 candles, has 4,208.
_DEEPEST, _MOST = 32, 6_000
_LONGEST_NUMBER, _LARGEST_EXPONENT = 40, 30
#: One way to write each thing, of the several that pydantic reads.
_FORMS = {
    "integer": re.compile(r"0|-?[1-9][0-9]{0,18}"),
    "boolean": re.compile("true|false"),
    "uuid": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "date-time": INSTANT,
}
_ANY = re.compile(".*", re.DOTALL)


class Place(StrEnum):
    """Where an argument stands in a request, by OpenAPI's words."""

    PATH = "path"
    QUERY = "query"
    BODY = "body"


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a handler, and what makes it of what came."""

    name: str
    place: Place
    adapter: TypeAdapter[Any]
    is_required: bool

    @cached_property
    def forms(self) -> tuple[re.Pattern[str], ...]:
        """How it is written in an address, by its schema; one of them has to fit."""
        schema = self.adapter.json_schema()
        parts = schema.get("anyOf", [schema])
        named = (part.get("format", part.get("type")) for part in parts)
        return tuple(_FORMS.get(name, _ANY) for name in named if name != "null")


async def arguments(
    request: web.Request, wanted: tuple[Argument, ...]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The arguments by name, and everything that is wrong with them."""
    found: dict[str, Any] = {}
    wrong = _unknown(request, wanted)
    for one in wanted:
        try:
            if one.place is Place.BODY:
                found[one.name] = one.adapter.validate_python(await _document(request))
            elif (text := _given(request, one)) is not None:
                if not any(form.fullmatch(text) for form in one.forms):
                    raise InvalidInput("is not written as it has to be; see /v1/docs")
                found[one.name] = one.adapter.validate_strings(text)
            elif one.is_required:
                wrong.append((one.name, "is missing"))
        except ValidationError as error:
            wrong += places(error, *(() if one.place is Place.BODY else (one.name,)))
        except InvalidInput as error:
            wrong.append((one.name, str(error)))
    return found, wrong


def _given(request: web.Request, one: Argument) -> str | None:
    if one.place is Place.PATH:
        return request.match_info[one.name]
    return request.query.get(one.name)


def _unknown(request: web.Request, wanted: tuple[Argument, ...]) -> list[tuple[str, str]]:
    """A parameter nobody reads is a mistake that would go unnoticed."""
    known = {one.name for one in wanted if one.place is Place.QUERY}
    wrong = [
        (name[:60], "is no parameter of this path")
        for name in dict.fromkeys(request.query)
        if name not in known
    ]
    return wrong + [
        (name, "comes more than once") for name in known if len(request.query.getall(name, ())) > 1
    ]


async def _document(request: web.Request) -> Any:
    """The JSON body; raises :class:`Problem` and :class:`InvalidInput`."""
    if request.content_type != "application/json":
        raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "send Content-Type: application/json")
    raw = await body(request)
    try:
        found = json.loads(
            raw.decode("utf-8"),
            parse_float=_number,
            parse_int=whole,
            parse_constant=no_number,
            object_pairs_hook=unique,
        )
    except UnicodeDecodeError:
        raise InvalidInput("is not UTF-8") from None
    except (ValueError, RecursionError):
        raise InvalidInput("is not JSON") from None
    if not _is_shallow(found):
        raise InvalidInput(
            f"is nested more than {_DEEPEST} deep, or holds more than {_MOST} values"
        )
    return found


def _is_shallow(found: Any) -> bool:
    level, count = [found], 1
    for _ in range(_DEEPEST):
        level = [part for each in level for part in _parts(each)]
        count += len(level)
        if not level:
            return count <= _MOST
    return False


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


async def body(request: web.Request) -> bytes:
    """All of it; raises :class:`Problem` for one that is packed, too large or too slow."""
    if "Content-Encoding" in request.headers:
        raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "send the body as it is, not packed")
    if (request.content_length or 0) > LARGEST:
        raise _too_large()
    parts, size = [], 0
    try:
        async with asyncio.timeout(PATIENCE):
            while part := await request.content.readany():
                size += len(part)
                if size > LARGEST:
                    raise _too_large()
                parts.append(part)
    except (TimeoutError, ConnectionError):
        raise Problem(408, "TOO_SLOW", "the body did not arrive in time") from None
    return b"".join(parts)


def _too_large() -> Problem:
    return Problem(413, "TOO_LARGE", f"a body has at most {LARGEST} bytes")


def _number(text: str) -> Decimal:
    """For ``parse_float``: exact, and of a size that can be written out."""
    if len(text) > _LONGEST_NUMBER:
        raise InvalidInput("a number has too many digits")
    number = Decimal(text)
    if not -_LARGEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT and number != 0:
        raise InvalidInput("a number is too large or too small")
    return number
