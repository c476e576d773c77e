"""Rule documents: read strictly, checked against the schema, and written back."""

import json
from dataclasses import asdict
from datetime import time
from decimal import Decimal
from importlib.resources import files
from re import Match, sub
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from engine.domain.market import Timeframe
from engine.domain.strategy import (
    BreakEven,
    Condition,
    ExitRules,
    ForbiddenConditions,
    MarketState,
    PartialClose,
    RiskCaps,
    SessionWindow,
    Side,
    Strategy,
    Trailing,
)
from engine.errors import InvalidInput
from engine.strategies.exits import implied_side
from engine.strategies.problems import problems, text_of

#: Characters of a document, at most.
LONGEST = 64_000

#: Rule documents that come with the product, by file name; also their order in lists.
SHIPPED = (
    "ema-trend",
    "pullback-buy",
    "gold-pullback-buy",
    "ema-trend-m15",
    "trend-ema",
    "trend-ema-fast",
    "mean-reversion-scalp",
    "random-forest",
)


def slug(name: str) -> str:
    """A strategy's name as it stands in its file's name and its id: ``gold-pullback-buy``."""
    return sub(r"[\W_]+", "-", name.casefold()).strip("-")


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
    """A strategy from the text of its document; ``is_active`` is for one that does not say.

    Raises :class:`InvalidInput` whose message names the first wrong field and says what would be
    right; every mistake is in its details, under ``errors``.
    """
    document = _strict_json(text)
    try:
        found = problems(document)
    except RecursionError as error:
        raise InvalidInput("the document is nested too deeply", mistake="json_deep") from error
    if found:
        raise InvalidInput(
            found[0].message,
            mistake="document",
            field=found[0].field,
            errors=[asdict(problem) for problem in found],
        )
    rules, forbidden = document["exit_rules"], document["forbidden_conditions"]
    targets, caps = rules["take_profit"], document["risk_caps"]
    direction = document.get("direction", implied_side(rules["stop_loss"]))
    states = forbidden.get("market_states")
    return Strategy(
        id=id_,
        version=version,
        name=document["name"],
        is_active=document.get("is_active", is_active),
        timeframe=Timeframe(document.get("timeframe", Timeframe.M15)),
        direction=Side(direction),
        allowed_symbols=tuple(document["allowed_symbols"]),
        session_windows=tuple(_window(window) for window in document["session_windows"]),
        setup=document.get("setup"),
        entry_conditions=_conditions(document.get("entry_conditions", {})),
        nice_to_have=_conditions(document.get("nice_to_have", {})),
        exit_rules=ExitRules(
            stop_loss=rules["stop_loss"],
            take_profit=(targets,) if isinstance(targets, str) else tuple(targets),
            time_limit_min=rules.get("time_limit_min"),
            **_led(rules),
        ),
        forbidden_conditions=ForbiddenConditions(
            forbidden["block_high_impact_news_minutes"],
            tuple(forbidden["blocked_symbols_during_news"]),
            *(() if states is None else (tuple(MarketState(state) for state in states),)),
        ),
        risk_caps=RiskCaps(Decimal(caps["max_lot_size"]), caps["max_concurrent_positions"]),
        rr_expectation=Decimal(document["rr_expectation"]),
    )


def document(strategy: Strategy) -> dict[str, Any]:
    """The strategy as a document of JSON values, every default written out.

    Whether it is on is left out: that is switched, not written, so that a document that was read
    yesterday cannot turn on today what someone turned off.
    """
    rules, forbidden = strategy.exit_rules, strategy.forbidden_conditions
    targets, nice = list(rules.take_profit), _written(strategy.nice_to_have)
    return {
        "name": strategy.name,
        "timeframe": str(strategy.timeframe),
        "direction": str(strategy.direction),
        "allowed_symbols": list(strategy.allowed_symbols),
        "session_windows": [_written_window(window) for window in strategy.session_windows],
        **({"setup": strategy.setup} if strategy.setup else {}),
        "entry_conditions": _written(strategy.entry_conditions),
        **({"nice_to_have": nice} if nice else {}),
        "exit_rules": {
            "stop_loss": rules.stop_loss,
            "take_profit": targets[0] if len(targets) == 1 else targets,
            **_written_led(rules),
            **({"time_limit_min": rules.time_limit_min} if rules.time_limit_min else {}),
        },
        "forbidden_conditions": {
            "block_high_impact_news_minutes": forbidden.block_high_impact_news_minutes,
            "blocked_symbols_during_news": list(forbidden.blocked_symbols_during_news),
            "market_states": [str(state) for state in forbidden.market_states],
        },
        "risk_caps": {
            "max_lot_size": float(strategy.risk_caps.max_lot_size),
            "max_concurrent_positions": strategy.risk_caps.max_concurrent_positions,
        },
        "rr_expectation": float(strategy.rr_expectation),
    }


def text(strategy: Strategy) -> str:
    """The document's text, as a person edits it; :func:`parse` reads it back to an equal one."""
    written = json.dumps(document(strategy), indent=2, ensure_ascii=False)
    # A list of words reads best on one line; a line break is never inside a JSON string.
    return sub(r"\[\n([^\[\]{}]+)\n\s*\]", _one_line, written) + "\n"


def _one_line(found: Match[str]) -> str:
    return "[" + " ".join(line.strip() for line in found[1].split("\n")) + "]"


def _strict_json(text: str) -> Any:
    if len(text) > LONGEST:
        raise InvalidInput(
            f"the document is longer than {LONGEST:,} characters",
            mistake="document_long",
            most=LONGEST,
        )
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
        raise InvalidInput(f"the document is not JSON: {error}", **_where(error)) from error
    return document


class _Twice(ValueError):
    """A name that stands twice in one object."""

    def __str__(self) -> str:
        return str(self.args[0])


def _where(error: Exception) -> dict[str, Any]:
    """The facts of text that is not JSON: the place of the mistake where it is known."""
    if isinstance(error, json.JSONDecodeError):
        return {"mistake": "json", "line": error.lineno, "column": error.colno}
    if isinstance(error, _Twice):
        return {"mistake": "json_twice", "name": error.args[1]}
    return {"mistake": "json_deep" if isinstance(error, RecursionError) else "json_value"}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number a strategy can use")


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"{twice!r} is written twice", twice[:40])
    return document


def _conditions(section: dict[str, Any]) -> tuple[Condition, ...]:
    return tuple(Condition(name, text_of(argument)) for name, argument in section.items())


def _written(conditions: tuple[Condition, ...]) -> dict[str, Any]:
    return {condition.name: _argument(condition.argument) for condition in conditions}


def _argument(argument: str) -> str | int | float | bool:
    """The argument as a JSON number or flag where that keeps every digit of it, else as text."""
    for read in (int, float, {"true": True, "false": False}.__getitem__):
        try:
            value: int | float | bool = read(argument)
        except (ValueError, KeyError):
            continue
        if text_of(value) == argument:
            return value
    return argument


def _led(rules: dict[str, Any]) -> dict[str, Any]:
    """How an open trade is led, of the exit rules."""
    even, trail, parts = (rules.get(name) for name in ("break_even", "trailing", "partial_close"))
    return {
        "break_even": None if even is None else BreakEven(even["at"], even.get("offset")),
        "trailing": None
        if trail is None
        else Trailing(trail["distance"], trail.get("from"), trail.get("step")),
        "partial_close": tuple(PartialClose(part["at"], part["percent"]) for part in parts or ()),
    }


def _written_led(rules: ExitRules) -> dict[str, Any]:
    even, trail = rules.break_even, rules.trailing
    found: dict[str, dict[str, Any]] = {}
    if even is not None:
        found["break_even"] = {"at": even.at, "offset": even.offset}
    if trail is not None:
        found["trailing"] = {"distance": trail.distance, "from": trail.start, "step": trail.step}
    written: dict[str, Any] = {
        name: {key: text for key, text in part.items() if text is not None}
        for name, part in found.items()
    }
    if rules.partial_close:
        written["partial_close"] = [
            {"at": part.at, "percent": part.percent} for part in rules.partial_close
        ]
    return written


def _window(window: dict[str, Any]) -> SessionWindow:
    start, end = (time.fromisoformat(window[name].removesuffix("Z")) for name in ("start", "end"))
    return SessionWindow(start, end, tuple(window["days"]), window.get("zone", "UTC"))


def _written_window(window: SessionWindow) -> dict[str, Any]:
    universal = window.zone == "UTC"
    sign = "Z" if universal else ""
    written = {
        "start": f"{window.start:%H:%M}{sign}",
        "end": f"{window.end:%H:%M}{sign}",
        "days": list(window.days),
    }
    return written if universal else {**written, "zone": window.zone}
