"""What is wrong with a rule document: each mistake by its path, and what would be right."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import available_timezones

import jsonschema

from engine.domain.market import Timeframe
from engine.errors import InvalidInput
from engine.strategies import exits, stages
from engine.strategies.rules import RULES
from engine.strategies.setups import SETUPS

_TARGETS = exits.TARGET_FORMS
#: Digits after the point that are kept of a number, by its path.
_DECIMALS = {("risk_caps", "max_lot_size"): 8, ("rr_expectation",): 2}

#: How far the figures reach that have a scale: beyond it a condition holds always, or never.
_SCALES = {"rsi": 100, "adx": 100, "model_probability": 1}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the dotted path of the field, and a sentence that begins with it. ``mistake`` is
    its code, for who says it in other words with the ``facts``: the value, and what would be right.
    """

    field: str
    message: str
    mistake: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a field: the sentence without its name, the code, and the facts."""

    text: str
    mistake: str
    facts: dict[str, str]


def problems(document: Any) -> tuple[Problem, ...]:
    """Every mistake, in the order of the fields; what has the wrong shape is not judged further."""
    found: dict[Path, _Fault] = {}
    for path, fault in (*_shape(document), *_meaning(document)):
        if not any(path[:length] in found for length in range(len(path) + 1)):
            found[path] = fault
    return tuple(_problem(path, found[path]) for path in sorted(found, key=_place))


def text_of(argument: Any) -> str:
    """A condition's argument as it is written in a strategy."""
    return str(argument).lower() if isinstance(argument, bool) else str(argument)


@cache
def schema() -> Any:
    """The JSON schema; each ``description`` is what a message says would be right."""
    return json.loads((files("engine.strategies") / "schema.json").read_text("utf-8"))


def _problem(path: Path, fault: _Fault) -> Problem:
    field = ".".join(_printable(str(part)) for part in path) or "document"
    return Problem(field, f"{field} {fault.text}", fault.mistake, fault.facts)


def _is(value: str, what: str, right: str, mistake: str = "wrong", **facts: str) -> _Fault:
    """A field that is something else than it may be."""
    return _Fault(f"is {value}{what} {right}", mistake, {"value": value, **facts})


def _among(value: str, known: Iterable[str]) -> _Fault:
    """A word that is none of those there are."""
    names = ", ".join(known)
    return _is(value, "; there are:", names, "choice", known=names)


def _right(part: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """What a field may be: the code of the sentence, and the facts in it."""
    if "enum" in part:
        return "choice", {"known": ", ".join(part["enum"])}
    if part.get("type") == "boolean":
        return "choice", {"known": "true, false"}
    if "maximum" in part:
        low = part.get("minimum", part.get("exclusiveMinimum"))
        whole = part["type"] == "integer"
        return ("whole" if whole else "number"), {"low": str(low), "high": str(part["maximum"])}
    example = json.dumps(part["examples"][0]) if "examples" in part else "{}"
    return "wrong", {"example": example}


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


def _shape(document: Any) -> Iterator[tuple[Path, _Fault]]:
    """What the schema says, without its wording."""
    for error in jsonschema.Draft202012Validator(schema()).iter_errors(document):
        path, part = tuple(error.absolute_path), error.schema
        if error.validator == "required":
            for name in part["required"]:
                if name not in error.instance:
                    yield (*path, name), _missing("is missing", part["properties"][name])
        elif error.validator == "additionalProperties":
            for name in error.instance:
                if name not in part["properties"]:
                    known = ", ".join(part["properties"])
                    text = f"is no field; there are: {known}"
                    yield (*path, name), _Fault(text, "field", {"known": known})
        else:
            mistake, facts = _right(part)
            value = _shown(error.instance)
            yield path, _is(value, "; write", part["description"], mistake, **facts)


def _missing(has: str, part: dict[str, Any]) -> _Fault:
    """A field that must be there, with an example of one."""
    _, facts = _right(part)
    example = facts.get("example") or facts.get("known") or facts["low"]
    return _Fault(f"{has}; write {part['description']}", "missing", {"example": example})


def _meaning(document: Any) -> Iterator[tuple[Path, _Fault]]:
    """What the words in it mean, where their shape is right."""
    if not isinstance(document, dict):
        return
    yield from _conditions(document)
    yield from _exits(_object(document.get("exit_rules")))
    windows = document.get("session_windows")
    for place, window in enumerate(windows if isinstance(windows, list) else ()):
        for name, fault in _window(_object(window)):
            yield ("session_windows", place, name), fault
    for path, places in _DECIMALS.items():
        number = _object(document.get(path[0])).get(path[1]) if path[1:] else document.get(path[0])
        if isinstance(number, Decimal) and number.is_finite() and not _short(number, places):
            right = f"at most {places} digits after the point"
            yield path, _is(_shown(number), "; write", right, "digits", places=str(places))


def _conditions(document: dict[str, Any]) -> Iterator[tuple[Path, _Fault]]:
    setup = document.get("setup")
    if isinstance(setup, str) and setup not in SETUPS:
        yield ("setup",), _among(_shown(setup), sorted(SETUPS))
    if "setup" not in document and not document.get("entry_conditions"):
        has = "is empty" if "entry_conditions" in document else "is missing"
        part = schema()["properties"]["entry_conditions"]
        yield ("entry_conditions",), _missing(has, part)
    own = document.get("timeframe", Timeframe.M15)
    for section in ("entry_conditions", "nice_to_have"):
        for name, argument in _object(document.get(section)).items():
            if fault := _condition(name, text_of(argument), own):
                yield (section, name), fault


def _condition(name: str, argument: str, own: Any) -> _Fault | None:
    if name not in RULES:
        known = ", ".join(sorted(RULES))
        return _Fault(f"is no condition; there are: {known}", "condition", {"known": known})
    rule = RULES[name]
    if not rule.accepts(argument):
        if rule.words and not rule.longer:
            choice = ", ".join(rule.words)
            return _is(_shown(argument), "; write", rule.form, "choice", known=choice)
        return _is(_shown(argument), "; write", rule.form, example=rule.example)
    if fault := _beyond(name, argument):
        return fault
    frame = rule.frame(argument)
    if frame is not None and own in list(Timeframe) and not frame.length > Timeframe(own).length:
        text = f"looks at {frame}; write a timeframe longer than {own}, the strategy's own"
        return _Fault(text, "longer", {"value": str(frame), "own": str(own)})
    return None


def _beyond(name: str, argument: str) -> _Fault | None:
    """A number that the figure can never reach: 55 where a probability of 0.55 is meant."""
    high = next((most for figure, most in _SCALES.items() if figure in name), None)
    if high is None or 0 <= Decimal(argument.rpartition(" ")[2]) <= high:
        return None
    right = f"a number from 0 to {high}"
    return _is(_printable(argument), "; write", right, "number", low="0", high=str(high))


def _exits(rules: dict[str, Any]) -> Iterator[tuple[Path, _Fault]]:
    targets = rules.get("take_profit")
    wanted: list[tuple[Path, Any, Any, str]] = [
        (("stop_loss",), rules.get("stop_loss"), exits.check_stop, exits.STOP_FORMS)
    ]
    many = isinstance(targets, list)
    wanted += [
        (("take_profit", i) if many else ("take_profit",), text, exits.check_target, _TARGETS)
        for i, text in enumerate(targets if isinstance(targets, list) else (targets,))
    ]
    for path, text, check, forms in (*wanted, *_stages(rules)):
        try:
            if isinstance(text, str):
                check(text)
                _must_lead_away(text, forms)
        except InvalidInput as error:
            example = forms.replace("'", '"').replace(" or ", ", ")
            facts = {"value": _shown(text), "example": example}
            yield ("exit_rules", *path), _Fault(str(error), "wrong", facts)


def _must_lead_away(text: str, forms: str) -> None:
    """Raise :class:`InvalidInput` for a stop or a target at the entry itself."""
    distance = exits.distance_of(text)
    far = exits.ratio_of(text) if distance is None else distance[0]
    if far is not None and not far > 0:
        raise InvalidInput(f"is {text!r}, at the entry itself; write {forms}")


def _stages(rules: dict[str, Any]) -> Iterator[tuple[Path, Any, Any, str]]:
    """Every distance by which an open trade is led, and what it may be."""
    far = (stages.check_distance, stages.DISTANCE_FORMS)
    fixed = (stages.check_fixed, stages.FIXED_FORMS)
    at = (stages.check_stage, stages.STAGE_FORMS)
    even, trail = _object(rules.get("break_even")), _object(rules.get("trailing"))
    yield ("break_even", "at"), even.get("at"), *at
    yield ("break_even", "offset"), even.get("offset"), *far
    yield ("trailing", "distance"), trail.get("distance"), *far
    yield ("trailing", "from"), trail.get("from"), *at
    yield ("trailing", "step"), trail.get("step"), *fixed
    parts = rules.get("partial_close")
    for place, part in enumerate(parts if isinstance(parts, list) else ()):
        yield ("partial_close", place, "at"), _object(part).get("at"), *at


def _window(window: dict[str, Any]) -> Iterator[tuple[str, _Fault]]:
    zone, start, end = (window.get(name) for name in ("zone", "start", "end"))
    known = isinstance(zone, str) and zone in _zones()
    if zone is not None and not known:
        right = 'a time zone such as "Europe/London"'
        yield "zone", _is(_shown(zone), "; write", right, example='"Europe/London"')
    for name, clock in (("start", start), ("end", end)):
        if not isinstance(clock, str):
            continue
        if zone is None and not clock.endswith("Z"):
            utc = f'"{clock[:5]}Z"'
            yield (
                name,
                _is(_shown(clock), "; write", f"{utc}, or give the window a zone", example=utc),
            )
        if known and clock.endswith("Z"):
            local = f'"{clock[:5]}"'
            text = f"is {_shown(clock)} beside a zone; write {local}, its local time"
            yield name, _Fault(text, "wrong", {"value": _shown(clock), "example": local})
    if isinstance(start, str) and start == end:
        text = f"is {_shown(end)}, as the start; write another minute"
        yield "end", _Fault(text, "window", {"value": _shown(end)})


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
