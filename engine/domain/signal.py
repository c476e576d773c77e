"""A model's signal: what it says, when it becomes one, and what is done with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from engine.domain.exact import read, written
from engine.domain.market import Timeframe
from engine.domain.values import bounded, utc
from engine.errors import InvalidInput

#: The thresholds of source 003, on the model's probability that the price rises.
BUY_FROM, SELL_TO, EVEN = Decimal("0.55"), Decimal("0.45"), Decimal("0.5")

#: As risk settings name symbols, so that whatever is watched can be signalled.
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._#+-]{1,23}")
_MOST_META = 2_000
#: Digits after the point that the queue keeps.
_PLACES = 8

Meta = Mapping[str, str | int | bool | Decimal | None]


class Side(StrEnum):
    """Which way to trade, as EA servers read it."""

    BUY = "BUY"
    SELL = "SELL"


class SignalState(StrEnum):
    """PENDING waits to be sent; SENT was acknowledged; FAILED was refused, or tried too often;
    EXPIRED became too old to be sent.
    """

    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What an EA server is told. ``confidence`` is 0 to 1; ``sl_pips`` and ``tp_pips`` are
    distances from ``price``; ``meta`` is flat and goes along unread. Raises :class:`InvalidInput`.
    """

    signal_id: UUID
    symbol: str
    timeframe: Timeframe
    side: Side
    confidence: Decimal
    sl_pips: Decimal
    tp_pips: Decimal
    price: Decimal
    timestamp: datetime
    meta: Meta = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _SYMBOL.fullmatch(self.symbol):
            raise InvalidInput(f"{self.symbol[:40]!r} is no symbol", field="symbol")
        utc(self.timestamp, field="timestamp")
        for name in ("confidence", "sl_pips", "tp_pips", "price"):
            _must_fit(getattr(self, name), name)
        if not self.confidence <= 1:
            raise InvalidInput("confidence must be 0 to 1", field="confidence")
        if not self.price > 0:
            raise InvalidInput("price must be above zero", field="price")
        _must_be_kept(self.meta)


def _must_be_kept(meta: Meta) -> None:
    """Only what the queue gives back as it was."""
    text = written(dict(meta))
    if not len(text) <= _MOST_META or "\\u0000" in text:
        raise InvalidInput(
            f"meta must have at most {_MOST_META} characters, none of them NUL", field="meta"
        )
    read(text.encode())


def _must_fit(number: Decimal, name: str) -> None:
    if not bounded(number, field=name) >= 0:
        raise InvalidInput(f"{name} must not be negative", field=name)
    if not -int(number.as_tuple().exponent) <= _PLACES:
        raise InvalidInput(f"{name} has more than {_PLACES} places", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A model's word on a candle: the ``probability``, 0 to 1, that the price rises from
    ``price``, and the stop and target that a trade would have. ``candle`` is when that candle
    opened; None where ``timestamp`` stands for it.
    """

    model: str
    symbol: str
    timeframe: Timeframe
    probability: Decimal
    sl_pips: Decimal
    tp_pips: Decimal
    price: Decimal
    timestamp: datetime
    candle: datetime | None = None


def decide(probability: Decimal, *, force: bool = False) -> tuple[Side, Decimal] | None:
    """The side and its confidence by source 003: from 0.55 BUY, up to 0.45 SELL with the
    confidence inverted, between them none. ``force`` takes the likelier side then, BUY when even.
    """
    if not 0 <= bounded(probability, field="probability") <= 1:
        raise InvalidInput("a probability is 0 to 1", field="probability")
    if probability >= BUY_FROM or (force and probability >= EVEN):
        return Side.BUY, probability
    if probability <= SELL_TO or force:
        return Side.SELL, 1 - probability
    return None


def signal_of(forecast: Forecast, *, force: bool = False) -> Signal | None:
    """The signal of a forecast, or None. Its id follows from model, symbol, timeframe and candle:
    a model speaks once on a candle, however often it is asked.
    """
    decided = decide(forecast.probability, force=force)
    if decided is None:
        return None
    side, confidence = decided
    at = utc(forecast.timestamp, field="timestamp")
    of = utc(forecast.candle or at, field="candle")
    name = f"{forecast.model}:{forecast.symbol}:{forecast.timeframe}:{of.isoformat()}"
    return Signal(
        signal_id=uuid5(NAMESPACE_URL, f"ai-trader:signal:{name}"),
        symbol=forecast.symbol,
        timeframe=forecast.timeframe,
        side=side,
        confidence=confidence,
        sl_pips=forecast.sl_pips,
        tp_pips=forecast.tp_pips,
        price=forecast.price,
        timestamp=at,
        meta={"model": forecast.model, "label": int(side is Side.BUY)},
    )


def document(signal: Signal) -> dict[str, Any]:
    """The body of ``POST /signals``: the fields of source 003 in its order."""
    return {
        "signal_id": str(signal.signal_id),
        "timestamp": utc(signal.timestamp).isoformat().replace("+00:00", "Z"),
        "symbol": signal.symbol,
        "timeframe": str(signal.timeframe),
        "side": str(signal.side),
        "confidence": signal.confidence,
        "sl_pips": signal.sl_pips,
        "tp_pips": signal.tp_pips,
        "price": signal.price,
        "meta": dict(signal.meta),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedSignal:
    """A signal in the queue. ``seq`` is its place, ``claim`` names the round that holds it,
    ``attempts`` counts how often it was sent, ``reason`` is what went wrong last.
    """

    signal: Signal
    seq: int
    state: SignalState
    attempts: int
    created_at: datetime
    claim: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The server's word that it took a signal; ``ticket`` is the trade's number there, if told."""

    signal_id: UUID
    ticket: int | None
    acked_at: datetime


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many signals are in a state, and when the last of them was queued."""

    count: int
    latest: datetime


class AnswerKind(StrEnum):
    """What became of one attempt. TAKEN and REFUSED are final. BUSY is an answer that decides
    nothing; SILENT is none at all: it was taken, or it was not.
    """

    TAKEN = "taken"
    REFUSED = "refused"
    BUSY = "busy"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server made of a signal."""

    kind: AnswerKind
    reason: str = ""
    ticket: int | None = None


class Reach(StrEnum):
    """What a connection test found; the first two are a connection."""

    CONNECTED = "connected"
    NO_HEALTH = "no_health"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NAME = "name"
    TLS = "tls"
    MUTE = "mute"
    KEY = "key"
    REDIRECT = "redirect"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Contact:
    """The outcome of a connection test; ``status`` is the HTTP status that decided it, if any."""

    reach: Reach
    status: int | None = None

    @property
    def connected(self) -> bool:
        """Whether signals would find somebody there."""
        return self.reach in (Reach.CONNECTED, Reach.NO_HEALTH)
