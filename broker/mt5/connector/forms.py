"""What is asked of the connector, read strictly. Every number is exact: as JSON, or as text."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from broker.mt5.connector.problems import Problem, invalid
from broker.wire import Broken, load
from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.domain.values import decimal, utc
from engine.errors import InvalidInput

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}")
#: The package takes 29 characters.
_SYMBOL = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff](?:[^\x00-\x1f\x7f\ud800-\udfff]{0,28})")
_TARGETS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderForm:
    """A market order; targets the nearest first, none at all is allowed."""

    symbol: str
    direction: Direction
    lot_size: Decimal
    stop_loss: Decimal
    take_profit: tuple[Decimal, ...]

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "OrderForm":
        """Raises :class:`Problem` naming the field that is wrong."""
        _only(body, ("symbol", "direction", "lot_size", "entry_type", "stop_loss", "take_profit"))
        if body.get("entry_type") != "market":
            raise invalid("entry_type", "only market orders are taken")
        if body.get("direction") not in ("buy", "sell"):
            raise invalid("direction", "is buy or sell")
        direction = Direction(body["direction"])
        stop = _above_zero(body, "stop_loss")
        targets = _prices(body, "take_profit")
        ordered = [stop, *targets]
        if any(not (b - a) * direction.sign > 0 for a, b in pairwise(ordered)):
            raise invalid(
                "take_profit", "stop and targets must follow each other, the nearest first"
            )
        return cls(
            symbol=symbol_of(body.get("symbol")),
            direction=direction,
            lot_size=_above_zero(body, "lot_size"),
            stop_loss=stop,
            take_profit=targets,
        )

    @property
    def document(self) -> dict[str, Any]:
        """The same, in one way of writing."""
        return {
            "symbol": self.symbol,
            "direction": str(self.direction),
            "lot_size": _short(self.lot_size),
            "entry_type": "market",
            "stop_loss": _short(self.stop_loss),
            "take_profit": [_short(price) for price in self.take_profit],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseForm:
    """Close a position down to so many lots."""

    position: int
    volume_left: Decimal

    @classmethod
    def read(cls, position: str, body: Mapping[str, Any]) -> "CloseForm":
        """Raises :class:`Problem`."""
        _only(body, ("volume_left",))
        left = _number(body.get("volume_left", 0), "volume_left")
        if not left >= 0:
            raise invalid("volume_left", "must not be negative")
        return cls(position=position_of(position), volume_left=left)

    @property
    def document(self) -> dict[str, Any]:
        return {"position": self.position, "volume_left": _short(self.volume_left)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyForm:
    """Another stop, another target; None stays as it is."""

    position: int
    stop_loss: Decimal | None
    take_profit: Decimal | None

    @classmethod
    def read(cls, position: str, body: Mapping[str, Any]) -> "ModifyForm":
        """Raises :class:`Problem`."""
        _only(body, ("stop_loss", "take_profit"))
        stop = _above_zero(body, "stop_loss") if body.get("stop_loss") is not None else None
        targets = _prices(body, "take_profit")
        if len(targets) > 1:
            raise invalid("take_profit", "a position at MetaTrader has one target")
        if stop is None and not targets:
            raise invalid("stop_loss", "name a stop, a target, or both")
        target = targets[0] if targets else None
        return cls(position=position_of(position), stop_loss=stop, take_profit=target)

    @property
    def document(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "stop_loss": None if self.stop_loss is None else _short(self.stop_loss),
            "take_profit": None if self.take_profit is None else _short(self.take_profit),
        }


def body_of(raw: bytes) -> dict[str, Any]:
    """A request's JSON object; none at all is an empty one."""
    if not raw:
        return {}
    try:
        document = load(raw)
    except Broken as error:
        raise invalid("body", str(error)) from None
    if not isinstance(document, dict):
        raise invalid("body", "is not a JSON object")
    return document


def key_of(text: str | None) -> str:
    """An idempotency key."""
    if text is None or not _KEY.fullmatch(text):
        raise invalid(
            "Idempotency-Key", "1 to 100 of the characters A-Z a-z 0-9 . _ : - are needed"
        )
    return text


def symbol_of(text: Any) -> str:
    """A symbol, as the broker calls it."""
    if not isinstance(text, str) or not _SYMBOL.fullmatch(text):
        raise invalid("symbol", "is the broker's name of a symbol, 1 to 29 characters")
    return text


def position_of(text: str) -> int:
    """A position's number; one that is none names no position."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise Problem(404, "NOT_FOUND", "there is no such position")
    return int(text)


def timeframe_of(text: str | None) -> Timeframe:
    """A candle's length."""
    return _chosen(Timeframe, text, "timeframe")


def _chosen(kind: Callable[[Any], Timeframe], text: str | None, field: str) -> Timeframe:
    try:
        return kind(text)
    except ValueError:
        raise invalid(field, f"is one of {', '.join(Timeframe)}") from None


def count_of(text: str | None, field: str, *, default: int, most: int) -> int:
    """A whole number from 0 on."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= most):
        raise invalid(field, f"is a whole number from 0 to {most}")
    return int(text)


def instant_of(text: str | None, field: str) -> datetime:
    """An instant with its zone."""
    try:
        return utc(datetime.fromisoformat(text or ""), field=field)
    except (ValueError, InvalidInput, OverflowError):
        raise invalid(field, "is an instant such as 2026-01-31T09:00:00Z") from None


def _only(body: Mapping[str, Any], known: Collection[str]) -> None:
    for name in body:
        if name not in known:
            raise invalid(name[:40], "is not known here")


def _number(value: Any, field: str) -> Decimal:
    try:
        return decimal(value, field=field)
    except InvalidInput as error:
        raise invalid(field, str(error)) from None


def _above_zero(body: Mapping[str, Any], field: str) -> Decimal:
    if field not in body:
        raise invalid(field, "is missing")
    number = _number(body[field], field)
    if not number > 0:
        raise invalid(field, "must be above zero")
    return number


def _prices(body: Mapping[str, Any], field: str) -> tuple[Decimal, ...]:
    told = body.get(field)
    if told is None:
        return ()
    if not isinstance(told, list) or len(told) > _TARGETS:
        raise invalid(field, f"is a list of at most {_TARGETS} prices")
    return tuple(_above_zero({field: price}, field) for price in told)


def _short(number: Decimal) -> str:
    """A number's one way of writing: 0.50 is 0.5."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
