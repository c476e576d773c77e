"""What is wrong with a rule document: each mistake by its path, and what would be right."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import available_timezones

import jsonschema

from engine.domain.market import Timeframe
from engine.errors import InvalidInput
from engine.strategies import exits
from engine.strategies.rules import RULES
from engine.strategies.setups import SETUPS

#: Digits after the point that are kept of a number, by its path.
_DECIMALS = {("risk_caps", "max_lot_size"): 8, ("rr_expectation",): 2}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the dotted path of the field, and a sentence that begins with it."""

    field: str
    message: str


def problems(document: Any) -> tuple[Problem, ...]:
    """Every mistake, in the order of the fields; what has the wrong shape is not judged further."""
    found: dict[Path, str] = {}
    for path, text in (*_shape(document), *_meaning(document)):
        if not any(path[:length] in found for length in range(len(path) + 1)):
            found[path] = text
    return tuple(_problem(path, found[path]) for path in sorted(found, key=_place))


def text_of(argument: Any) -> str:
    """A condition's argument as it is written in a strategy."""
    return str(argument).lower() if isinstance(argument, bool) else str(argument)


@cache
def schema() -> Any:
    """The JSON schema; each ``description`` is what a message says would be right."""
    return json.loads((files("engine.strategies") / "schema.json").read_text("utf-8"))


def _problem(path: Path, text: str) -> Problem:
    field = ".".join(_printable(str(part)) for part in path) or "document"
    return Problem(field, f"{field} {text}")


def _place(path: Path) -> list[tuple[int, int, str]]:
    """Where a path comes in the order of the schema; unknown names come first in their object."""
    order = _order()
    return [
        (order.get(str(part), -1), part if isinstance(part, int) else 0, str(part)) for part in path
    ]


@cache
def _order() -> dict[str, int]:
    def names(part: dict[str, Any]) -> Iterator[str]:
        for name, inner in part.get("properties", {}).items():
            yield name
            yield from names(inner.get("items", inner))

    return {name: place for place, name in enumerate(names(schema()))}


def _shape(document: Any) -> Iterator[tuple[Path, str]]:
    """What the schema says, without its wording."""
    for error in jsonschema.Draft202012Validator(schema()).iter_errors(document):
        path, part = tuple(error.absolute_path), error.schema
        if error.validator == "required":
            for name in part["required"]:
                if name not in error.instance:
                    right = part["properties"][name]["description"]
                    yield (*path, name), f"is missing; write {right}"
        elif error.validator == "additionalProperties":
            for name in error.instance:
                if name not in part["properties"]:
                    known = ", ".join(part["properties"])
                    yield (*path, name), f"is no field; there are: {known}"
        else:
            yield path, f"is {_shown(error.instance)}; write {part['description']}"


def _meaning(document: Any) -> Iterator[tuple[Path, str]]:
    """What the words in it mean, where their shape is right."""
    if not isinstance(document, dict):
        return
    yield from _conditions(document)
    yield from _exits(_object(document.get("exit_rules")))
    windows = document.get("session_windows")
    for place, window in enumerate(windows if isinstance(windows, list) else ()):
        for name, text in _window(_object(window)):
            yield ("session_windows", place, name), text
    for path, places in _DECIMALS.items():
        number = _object(document.get(path[0])).get(path[1]) if path[1:] else document.get(path[0])
        if isinstance(number, Decimal) and number.is_finite() and not _short(number, places):
            yield path, f"is {_shown(number)}; write at most {places} digits after the point"


def _conditions(document: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    setup = document.get("setup")
    if isinstance(setup, str) and setup not in SETUPS:
        yield ("setup",), f"is {_shown(setup)}; there are: {', '.join(sorted(SETUPS))}"
    if "setup" not in document and not document.get("entry_conditions"):
        right = schema()["properties"]["entry_conditions"]["description"]
        has = "is empty" if "entry_conditions" in document else "is missing"
        yield ("entry_conditions",), f"{has}; write {right}"
    own = document.get("timeframe", Timeframe.M15)
    for section in ("entry_conditions", "nice_to_have"):
        for name, argument in _object(document.get(section)).items():
            if text := _condition(name, text_of(argument), own):
                yield (section, name), text


def _condition(name: str, argument: str, own: Any) -> str | None:
    if name not in RULES:
        return f"is no condition; there are: {', '.join(sorted(RULES))}"
    rule = RULES[name]
    if not rule.accepts(argument):
        return f"is {_shown(argument)}; write {rule.form}"
    frame = rule.frame(argument)
    if frame is not None and own in list(Timeframe) and not frame.length > Timeframe(own).length:
        return f"looks at {frame}; write a timeframe longer than {own}, the strategy's own"
    return None


def _exits(rules: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    targets = rules.get("take_profit")
    wanted: list[tuple[Path, Any, Any]] = [
        (("stop_loss",), rules.get("stop_loss"), exits.check_stop)
    ]
    if isinstance(targets, list):
        wanted += [(("take_profit", i), text, exits.check_target) for i, text in enumerate(targets)]
    else:
        wanted.append((("take_profit",), targets, exits.check_target))
    for path, text, check in wanted:
        try:
            if isinstance(text, str):
                check(text)
        except InvalidInput as error:
            yield ("exit_rules", *path), str(error)


def _window(window: dict[str, Any]) -> Iterator[tuple[str, str]]:
    zone, start, end = (window.get(name) for name in ("zone", "start", "end"))
    known = isinstance(zone, str) and zone in _zones()
    if zone is not None and not known:
        yield "zone", f'is {_shown(zone)}; write a time zone such as "Europe/London"'
    for name, clock in (("start", start), ("end", end)):
        if not isinstance(clock, str):
            continue
        if zone is None and not clock.endswith("Z"):
            yield name, f'is {_shown(clock)}; write "{clock[:5]}Z", or give the window a zone'
        if known and clock.endswith("Z"):
            yield name, f'is {_shown(clock)} beside a zone; write "{clock[:5]}", its local time'
    if isinstance(start, str) and start == end:
        yield "end", f"is {_shown(end)}, as the start; write another minute"


@cache
def _zones() -> frozenset[str]:
    # "localtime" would mean another hour on another machine.
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def _short(number: Decimal, places: int) -> bool:
    exponent = number.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -places


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return "empty" if not value else "a list" if isinstance(value, list) else "an object"
    if isinstance(value, str):
        return f'"{_printable(value)}"'
    return _printable("nothing" if value is None else text_of(value))


def _printable(text: str) -> str:
    """Text of somebody's document as it may stand in a message: short, and on one line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:40])
