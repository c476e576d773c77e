"""Signals for tests: the one of source 003, and others like it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.market import Timeframe
from engine.domain.signal import Side, Signal

#: Source 003, "EA Server Requirements", word for word.
BODY = """{
  "signal_id": "550e8400-e29b-41d4-a716-446655440000",
  "timestamp": "2025-10-25T10:30:00Z",
  "symbol": "EURUSD",
  "timeframe": "M1",
  "side": "BUY",
  "confidence": 0.78,
  "sl_pips": 20,
  "tp_pips": 40,
  "price": 1.0950,
  "meta": {
    "model": "rf_m1",
    "label": 1
  }
}"""
#: Younger than the clock of any test.
LATER = datetime(2999, 1, 1, tzinfo=UTC)


def signal(number: int = 1, **values: Any) -> Signal:
    fields: dict[str, Any] = {
        "signal_id": UUID(int=number), "symbol": "EURUSD", "timeframe": Timeframe.M1,
        "side": Side.BUY, "confidence": Decimal("0.78"), "sl_pips": Decimal(20),
        "tp_pips": Decimal(40), "price": Decimal("1.0950"), "timestamp": LATER,
        "meta": {"model": "rf_m1", "label": 1},
    }  # fmt: skip
    return Signal(**(fields | values))


def of_source() -> Signal:
    """The signal of the source's example."""
    return signal(
        signal_id=UUID("550e8400-e29b-41d4-a716-446655440000"),
        timestamp=datetime(2025, 10, 25, 10, 30, tzinfo=UTC),
    )
