"""One field of a strategy's document, replaced by what a person typed."""

import json
from difflib import get_close_matches
from typing import Any

from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.strategies.changes import fields_of
from engine.strategies.documents import document
from engine.strategies.problems import schema

#: What takes a field away: a condition, a time limit.
_NOTHING = ("none", "null", "-")


def patched(strategy: Strategy, line: str) -> str:
    """The document's text after ``path = value``, such as ``risk_caps.max_lot_size = 0.5``.

    The value is JSON, or else text; several words for a list are parted by commas; ``none`` takes
    the field away. Raises :class:`InvalidInput` for a line of another shape and for a path that
    leads nowhere; whether the value is right is for the document's own check.
    """
    path, sign, value = (part.strip() for part in line.partition("="))
    if not (path and sign and value):
        example = "risk_caps.max_lot_size = 0.5"
        raise InvalidInput(
            f"write path = value, such as {example}", mistake="patch", example=example
        )
    whole = document(strategy)
    *parents, last = path.split(".")
    place: Any = whole
    for name in parents:
        place = _inside(place, name, path, strategy)
    if value.lower() in _NOTHING:
        _take(place, last, path, strategy)
    else:
        _put(place, last, value, path, strategy)
    return json.dumps(whole, ensure_ascii=False)


def _inside(place: Any, name: str, path: str, strategy: Strategy) -> Any:
    if isinstance(place, dict) and name in place:
        return place[name]
    if isinstance(place, dict) and name in schema()["properties"]:
        return place.setdefault(name, {})
    if isinstance(place, list) and name.isascii() and name.isdigit() and int(name) < len(place):
        return place[int(name)]
    raise _nowhere(path, strategy)


def _put(place: Any, name: str, text: str, path: str, strategy: Strategy) -> None:
    if isinstance(place, dict):
        place[name] = _value(text, place.get(name))
        return
    if isinstance(place, list) and name.isascii() and name.isdigit() and int(name) < len(place):
        place[int(name)] = _value(text, place[int(name)])
        return
    raise _nowhere(path, strategy)


def _take(place: Any, name: str, path: str, strategy: Strategy) -> None:
    if not isinstance(place, dict) or name not in place:
        raise _nowhere(path, strategy)
    del place[name]


def _value(text: str, before: Any) -> Any:
    """What was typed: JSON where it is any, a list where one stood, else the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if isinstance(before, list) and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _nowhere(path: str, strategy: Strategy) -> InvalidInput:
    known = list(fields_of(strategy))
    alike = get_close_matches(path, known, n=3, cutoff=0.4) or known[-3:]
    return InvalidInput(
        f"{path[:60]!r} is no field of the document; there are, for example: {', '.join(alike)}",
        mistake="patch_path",
        path=path[:60],
        alike=", ".join(alike),
    )
