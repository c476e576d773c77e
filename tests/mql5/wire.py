"""PROTOCOL.md as a machine reads it: the tables become checks, the fenced examples messages."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

PROTOCOL = Path(__file__).parents[2] / "ea" / "PROTOCOL.md"

_HEADING = re.compile(r"^(#{3,4}) (.+)$")
_EXAMPLE = re.compile(r"^```json (\S+) (request|answer)(?: (\d{3}))?(?: ([^\n]+))?\n(.+?)\n```$", re.M | re.S)
_ROW = re.compile(r"^\| (\w+) \| ([^|]+) \|")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")

#: What a command's type needs besides the fields of every command.
NEEDED = {
    "OPEN": ("symbol", "side", "volume", "price", "max_deviation", "sl", "tp", "leg", "legs"),
    "CLOSE": ("position", "keep"),
    "MOVE_SL": ("position", "sl"),
    "SET_TP": ("position", "tp"),
    "PAUSE": (),
    "RESUME": (),
}


class Broken(Exception):
    """A message does not fit its table; the text names the field."""


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block: ``status`` is 200 for a request."""

    path: str
    direction: str
    status: int
    note: str
    text: str


@cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """Field and type by table: ``/ea/sync request``, ``/ea/sync answer``, ``Position`` ..."""
    found: dict[str, dict[str, str]] = {}
    path, current, inside = "", "", False
    for line in PROTOCOL.read_text("utf-8").splitlines():
        heading = _HEADING.match(line)
        if heading:
            current = heading.group(2)
            path = current.removeprefix("POST ") if current.startswith("POST ") else path
        elif line in ("Request:", "Answer 200:"):
            current = f"{path} {'request' if line == 'Request:' else 'answer'}"
        inside = line.startswith("| field | type |") or (inside and line.startswith("|"))
        row = _ROW.match(line)
        if inside and row and row.group(1) != "field":
            found.setdefault(current, {})[row.group(1)] = row.group(2).strip()
    return found


def examples() -> list[Example]:
    """Every fenced example of the page."""
    return [
        Example(path, direction, int(status or 200), note or "", text)
        for path, direction, status, note, text in _EXAMPLE.findall(PROTOCOL.read_text("utf-8"))
    ]


def load(raw: bytes | str) -> Any:
    """Strict JSON: exact decimals, no NaN, no repeated keys, nothing behind the end."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) != len(pairs):
            raise Broken("a key is repeated")
        return document

    def refuse(word: str) -> Any:
        raise Broken(f"{word} is no number")

    try:
        return json.loads(
            raw, parse_float=Decimal, parse_constant=refuse, object_pairs_hook=unique
        )
    except ValueError as error:
        raise Broken(f"not JSON: {error}") from None


def check(table: str, value: Any) -> None:
    """Raises :class:`Broken` unless the value fits the table, common fields included."""
    fields = dict(tables()[table])
    if table.endswith(" request"):
        fields |= tables()["Common fields of every request"]
    _object(table, fields, value)


def _object(where: str, fields: Mapping[str, str], value: Any) -> None:
    if not isinstance(value, dict):
        raise Broken(f"{where}: not an object")
    for name, kind in fields.items():
        if name not in value:
            if not kind.startswith("optional "):
                raise Broken(f"{where}.{name}: missing")
            continue
        _value(f"{where}.{name}", kind.removeprefix("optional "), value[name])
    if where.endswith("Command"):
        for name in NEEDED[value["type"]]:
            if name not in value:
                raise Broken(f"{where}.{name}: missing for {value['type']}")


def _value(where: str, kind: str, value: Any) -> None:
    if kind.startswith("null or "):
        if value is not None:
            _value(where, kind.removeprefix("null or "), value)
    elif kind.startswith("list of "):
        _list(where, kind.removeprefix("list of "), value)
    elif kind.startswith("one of "):
        if value not in kind.removeprefix("one of ").split(", "):
            raise Broken(f"{where}: {value!r} is not {kind}")
    elif kind in tables():
        _object(f"{where}: {kind}", tables()[kind], value)
    elif kind == "Row":
        _row(where, value)
    else:
        _plain(where, kind, value)


def _list(where: str, kind: str, value: Any) -> None:
    item, _, bounds = kind.rpartition(", ")
    if not isinstance(value, list):
        raise Broken(f"{where}: not a list")
    _within(where, bounds, len(value))
    for number, entry in enumerate(value):
        _value(f"{where}[{number}]", item, entry)


def _row(where: str, value: Any) -> None:
    if not isinstance(value, list) or len(value) != 6:
        raise Broken(f"{where}: not six values")
    _plain(where, "int 0..4102444800", value[0])
    for price in value[1:5]:
        _plain(where, "decimal 0..1000000000000", price)
    _plain(where, "int 0..9223372036854775807", value[5])


def _plain(where: str, kind: str, value: Any) -> None:
    word, _, bounds = kind.partition(" ")
    shapes = {"int": int, "decimal": (int, Decimal), "string": str, "bool": bool}
    if word not in shapes:
        raise Broken(f"{where}: the page has a type it does not explain: {kind}")
    is_bool = isinstance(value, bool)
    if not isinstance(value, shapes[word]) or is_bool != (word == "bool"):
        raise Broken(f"{where}: {value!r} is not {kind}")
    if word == "string" and any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise Broken(f"{where}: control characters")
    if bounds:
        _within(where, bounds, len(value) if word == "string" else value)


def _within(where: str, bounds: str, value: int | Decimal) -> None:
    found = _RANGE.fullmatch(bounds)
    if not found:
        raise Broken(f"{where}: the page has bounds it does not explain: {bounds}")
    if not int(found.group(1)) <= value <= int(found.group(2)):
        raise Broken(f"{where}: {value} is not in {bounds}")
