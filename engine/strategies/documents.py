"""Rule documents: read strictly, checked against the schema, and written back."""

import json
from datetime import time
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import jsonschema

from engine.domain.market import Timeframe
from engine.domain.strategy import (
    Condition,
    ExitRules,
    ForbiddenConditions,
    RiskCaps,
    SessionWindow,
    Side,
    Strategy,
)
from engine.errors import InvalidInput
from engine.strategies import exits
from engine.strategies.rules import RULES

#: Rule documents that come with the product, by file name; also their order in lists.
SHIPPED = ("ema-trend", "pullback-buy")


def strategy_id(slug: str) -> UUID:
    """The id of a strategy, the same on every machine for the same name."""
    return uuid5(NAMESPACE_URL, f"ai-trader:strategy:{slug}")


def shipped() -> tuple[Strategy, ...]:
    """Version 1 of every strategy that comes with the product."""
    folder = files("engine.strategies") / "shipped"
    return tuple(
        parse(strategy_id(slug), (folder / f"{slug}.json").read_text("utf-8")) for slug in SHIPPED
    )


def parse(id_: UUID, text: str, *, version: int = 1, is_active: bool = True) -> Strategy:
    """A strategy from the text of its document.

    Raises :class:`InvalidInput` whose message names the field and says what would be right.
    """
    document = _strict_json(text)
    error = next(iter(sorted(_validator().iter_errors(document), key=lambda e: list(e.path))), None)
    if error is not None:
        field = ".".join(str(part) for part in error.absolute_path) or "document"
        raise InvalidInput(f"{field}: {error.message}", field=field)
    _check_words(document)
    return Strategy(
        id=id_,
        version=version,
        name=document["name"],
        is_active=is_active,
        timeframe=Timeframe(document["timeframe"]),
        direction=Side(document["direction"]),
        allowed_symbols=tuple(document["allowed_symbols"]),
        session_windows=tuple(_window(window) for window in document["session_windows"]),
        entry_conditions=_conditions(document["entry_conditions"]),
        nice_to_have=_conditions(document.get("nice_to_have", {})),
        exit_rules=ExitRules(
            stop_loss=document["exit_rules"]["stop_loss"],
            take_profit=_targets(document),
            time_limit_min=document["exit_rules"].get("time_limit_min"),
        ),
        forbidden_conditions=ForbiddenConditions(
            document["forbidden_conditions"]["block_high_impact_news_minutes"],
            tuple(document["forbidden_conditions"]["blocked_symbols_during_news"]),
        ),
        risk_caps=RiskCaps(
            Decimal(document["risk_caps"]["max_lot_size"]),
            document["risk_caps"]["max_concurrent_positions"],
        ),
        rr_expectation=Decimal(document["rr_expectation"]),
    )


@cache
def _validator() -> Any:
    schema = json.loads((files("engine.strategies") / "schema.json").read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _strict_json(text: str) -> Any:
    if len(text) > 64_000:
        raise InvalidInput("the document is longer than 64,000 characters")
    try:
        text.encode()
        document = json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_refuse_twice,
        )
        # A lone surrogate written as an escape is text that no database takes.
        json.dumps(document, ensure_ascii=False, default=str).encode()
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidInput(f"the document is not JSON: {error}") from error
    return document


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number a strategy can use")


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is written twice")
    return document


def _check_words(document: dict[str, Any]) -> None:
    for section in ("entry_conditions", "nice_to_have"):
        for name, argument in document.get(section, {}).items():
            if name not in RULES:
                known = ", ".join(sorted(RULES))
                raise InvalidInput(f"{section}.{name} is not a known condition; there are: {known}")
            try:
                RULES[name].accepts(_text(argument))
            except InvalidInput as error:
                raise InvalidInput(f"{section}.{name}: {error}", field=name) from error
    try:
        exits.check_stop(document["exit_rules"]["stop_loss"])
        for target in _targets(document):
            exits.check_target(target)
    except InvalidInput as error:
        raise InvalidInput(f"exit_rules: {error}", field="exit_rules") from error
    for place, window in enumerate(document["session_windows"]):
        if window["start"] == window["end"]:
            raise InvalidInput(f"session_windows.{place}: start and end are the same minute")


def _targets(document: dict[str, Any]) -> tuple[str, ...]:
    targets = document["exit_rules"]["take_profit"]
    return (targets,) if isinstance(targets, str) else tuple(targets)


def _conditions(section: dict[str, Any]) -> tuple[Condition, ...]:
    return tuple(Condition(name, _text(argument)) for name, argument in section.items())


def _text(argument: str | int | Decimal | bool) -> str:
    return str(argument).lower() if isinstance(argument, bool) else str(argument)


def _window(window: dict[str, Any]) -> SessionWindow:
    start, end = (time.fromisoformat(window[name].removesuffix("Z")) for name in ("start", "end"))
    return SessionWindow(start, end, tuple(window["days"]))
