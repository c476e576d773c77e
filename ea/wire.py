"""What comes over the wire, read strictly: JSON without tricks, every field by its table."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ea.tables import COMMON, NAMED, REQUESTS, Table
from engine.domain.exact import decimal, no_number, unique
from engine.errors import InvalidInput

VERSION = 1
#: Bytes a request may have.
LARGEST = 1 << 20

#: Digits, point and sign of a decimal.
_LONGEST = 40
#: What an exponent, or a number of more than so many characters, has in it.
_ODD = re.compile(rf"\d[eE]|[\d.]{{{_LONGEST}}}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)$")

Check = Callable[[str, Any], None]


class Broken(Exception):
    """A request does not fit its table; the text names the field, never a value of it."""


class Unsupported(Exception):
    """A request of another version of the protocol."""


def load(raw: bytes) -> dict[str, Any]:
    """A JSON object with exact decimals. Raises :class:`Broken` for anything looser: another
    encoding, a byte order mark, NaN, an exponent, a repeated key, something behind the end.
    """
    try:
        text = raw.decode("utf-8")
        document = json.loads(
            text,
            # Where no number can be odd, and no text looks like one, none has to be looked at.
            parse_float=decimal if _ODD.search(text) else Decimal,
            parse_constant=no_number,
            object_pairs_hook=unique,
        )
    except InvalidInput as error:
        raise Broken(str(error)) from None
    except UnicodeDecodeError:
        raise Broken("the body is not UTF-8") from None
    except (ValueError, RecursionError):
        raise Broken("the body is not JSON") from None
    if not isinstance(document, dict):
        raise Broken("the body is not a JSON object")
    return document


def check(path: str, document: dict[str, Any]) -> None:
    """Hold a request against the table of its path.

    Raises :class:`Unsupported` for another version, whose tables nobody knows here, and
    :class:`Broken`.
    """
    version = document.get("protocol")
    if isinstance(version, bool) or not isinstance(version, int):
        raise Broken("protocol: missing, or no whole number")
    if version != VERSION:
        raise Unsupported
    _CHECKS[path]("", document)


def _table(fields: Table) -> Check:
    checks = [(name, _check(kind)) for name, kind in fields.items()]

    def run(where: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise Broken(f"{where}: not an object")
        for name, check in checks:
            if name not in value:
                raise Broken(f"{where}{name}: missing")
            check(f"{where}{name}", value[name])

    return run


def _check(kind: str) -> Check:
    if kind.startswith("null or "):
        return _optional(_check(kind.removeprefix("null or ")))
    if kind.startswith("list of "):
        item, _, bounds = kind.removeprefix("list of ").rpartition(", ")
        if item == "Row":
            return _rows(*_bounds(bounds))
        return _list(_check(item), *_bounds(bounds))
    if kind.startswith("one of "):
        return _choice(frozenset(kind.removeprefix("one of ").split(", ")))
    if kind in NAMED:
        return _nested(_table(NAMED[kind]))
    word, _, bounds = kind.partition(" ")
    plain: dict[str, Callable[..., Check]] = {
        "int": _int, "decimal": _number, "string": _string, "bool": _bool,
    }  # fmt: skip
    return plain[word](*_bounds(bounds))


def _bounds(text: str) -> tuple[int, ...]:
    found = _RANGE.match(text)
    return (int(found[1]), int(found[2])) if found else ()


def _nested(table: Check) -> Check:
    return lambda where, value: table(f"{where}.", value)


def _optional(inner: Check) -> Check:
    def run(where: str, value: Any) -> None:
        if value is not None:
            inner(where, value)

    return run


def _list(item: Check, least: int, most: int) -> Check:
    def run(where: str, value: Any) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Broken(f"{where}: not a list of {least} to {most}")
        for entry in value:
            item(where, entry)

    return run


def _choice(words: frozenset[str]) -> Check:
    def run(where: str, value: Any) -> None:
        if not isinstance(value, str) or value not in words:
            raise Broken(f"{where}: none of {', '.join(sorted(words))}")

    return run


def _int(least: int, most: int) -> Check:
    def run(where: str, value: Any) -> None:
        if type(value) is not int or not least <= value <= most:
            raise Broken(f"{where}: no whole number from {least} to {most}")

    return run


def _number(least: int, most: int) -> Check:
    def run(where: str, value: Any) -> None:
        if type(value) not in (int, Decimal) or not least <= value <= most:
            raise Broken(f"{where}: no number from {least} to {most}")

    return run


def _string(least: int, most: int) -> Check:
    def run(where: str, value: Any) -> None:
        if not isinstance(value, str) or _UNPRINTABLE.search(value):
            raise Broken(f"{where}: no text without control characters")
        if not least <= len(value.encode("utf-16-le")) // 2 <= most:
            raise Broken(f"{where}: no text of {least} to {most}")

    return run


def _bool() -> Check:
    def run(where: str, value: Any) -> None:
        if type(value) is not bool:
            raise Broken(f"{where}: neither true nor false")

    return run


def _row() -> Check:
    time, price, volume = _int(0, _ROW[0]), _number(0, _ROW[1]), _int(0, _ROW[5])

    def run(where: str, value: Any) -> None:
        if not isinstance(value, list) or len(value) != len(_ROW):
            raise Broken(f"{where}: not six values")
        time(where, value[0])
        for figure in value[1:5]:
            price(where, figure)
        volume(where, value[5])

    return run


#: The most of each value of a row; the least is 0.
_ROW = (4102444800, 10**12, 10**12, 10**12, 10**12, 2**63 - 1)
_WHOLE, _PRICE = frozenset((int,)), frozenset((int, Decimal))
_KINDS = (_WHOLE, _PRICE, _PRICE, _PRICE, _PRICE, _WHOLE)


def _rows(least: int, most: int) -> Check:
    """A list of rows, looked at by columns; one by one only to say what is wrong."""
    one_by_one = _list(_row(), least, most)

    def run(where: str, value: Any) -> None:
        if not _are_rows(value) or not least <= len(value) <= most:
            one_by_one(where, value)
        if any(after[0] <= before[0] for before, after in pairwise(value)):
            raise Broken(f"{where}: its times do not rise")

    return run


def _are_rows(value: Any) -> bool:
    if type(value) is not list or not set(map(type, value)) <= {list}:
        return False
    if not set(map(len, value)) <= {len(_ROW)}:
        return False
    return all(
        set(map(type, column)) <= kinds and min(column) >= 0 and max(column) <= most
        for column, kinds, most in zip(zip(*value, strict=True), _KINDS, _ROW, strict=False)
    )


_CHECKS = {path: _table({**COMMON, **fields}) for path, fields in REQUESTS.items()}


def decimals(document: dict[str, Any], *names: str) -> dict[str, Decimal]:
    """Those fields as decimals, also where they came without a point."""
    return {name: Decimal(document[name]) for name in names}


def encode(value: Any) -> str:
    """An answer as JSON text; decimals keep every digit and have no exponent."""
    try:
        return _PLAIN.encode(value)
    except _HasDecimal:
        return _exact(value)


class _HasDecimal(Exception):
    """The encoder of the standard library knows no decimals."""


def _refuse(value: Any) -> Any:
    if isinstance(value, Decimal):
        raise _HasDecimal
    raise TypeError(f"{type(value).__name__} is no JSON")


_PLAIN = json.JSONEncoder(separators=(",", ":"), default=_refuse)


def _exact(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_exact(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_exact(part) for part in value) + "]"
    return json.dumps(value)
