"""When a model's word becomes a signal, and what a signal may hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.exact import read, written
from engine.domain.market import Timeframe
from engine.domain.signal import Forecast, Side, decide, document, signal_of
from engine.errors import InvalidInput
from tests.signals import BODY, of_source, signal

AT = datetime(2025, 10, 25, 10, 30, tzinfo=UTC)


def forecast(probability: str = "0.78", **values: Any) -> Forecast:
    fields: dict[str, Any] = {
        "model": "rf_m1", "symbol": "EURUSD", "timeframe": Timeframe.M1,
        "probability": Decimal(probability), "sl_pips": Decimal(20), "tp_pips": Decimal(40),
        "price": Decimal("1.0950"), "timestamp": AT,
    }  # fmt: skip
    return Forecast(**(fields | values))


@pytest.mark.parametrize(
    ("probability", "force", "expected"),
    [
        ("1", False, ("BUY", "1")), ("0.55", False, ("BUY", "0.55")),
        ("0.5499", False, None), ("0.5", False, None), ("0.4501", False, None),
        ("0.45", False, ("SELL", "0.55")), ("0.1", False, ("SELL", "0.9")),
        ("0", False, ("SELL", "1")),
        ("0.5499", True, ("BUY", "0.5499")), ("0.5", True, ("BUY", "0.5")),
        ("0.4999", True, ("SELL", "0.5001")), ("0.78", True, ("BUY", "0.78")),
    ],
)  # fmt: skip
def test_thresholds_are_those_of_the_source(
    probability: str, force: bool, expected: tuple[str, str] | None
) -> None:
    found = decide(Decimal(probability), force=force)
    assert found == (None if expected is None else (Side(expected[0]), Decimal(expected[1])))


@pytest.mark.parametrize("probability", ["NaN", "sNaN", "Infinity", "-0.01", "1.01"])
def test_what_is_no_probability_is_no_signal(probability: str) -> None:
    for force in (False, True):
        with pytest.raises(InvalidInput):
            decide(Decimal(probability), force=force)


@given(st.decimals(0, 1, places=6), st.booleans())
def test_a_decided_confidence_is_at_least_even(probability: Decimal, force: bool) -> None:
    found = decide(probability, force=force)
    if found is None:
        assert not force
        assert Decimal("0.45") < probability < Decimal("0.55")
    else:
        side, confidence = found
        assert Decimal("0.5") <= confidence <= 1
        assert (side is Side.BUY) is (probability >= Decimal("0.5"))


def test_a_model_speaks_once_on_a_candle() -> None:
    first, again = signal_of(forecast()), signal_of(forecast("0.2"))
    assert first is not None
    assert again is not None
    assert (first.signal_id, first.side) == (again.signal_id, Side.BUY)
    others = [
        forecast(model="rf_h1"), forecast(symbol="XAUUSD"), forecast(timeframe=Timeframe.H1),
        forecast(timestamp=AT + timedelta(minutes=1)),
    ]  # fmt: skip
    ids = {one.signal_id for one in map(signal_of, others) if one is not None}
    assert len(ids | {first.signal_id}) == 5
    assert signal_of(forecast("0.5")) is None


def test_a_forecast_becomes_the_signal_of_the_source() -> None:
    found = signal_of(forecast())
    assert found is not None
    assert replace(found, signal_id=of_source().signal_id) == of_source()
    assert (signal_of(forecast("0.2")) or found).meta == {"model": "rf_m1", "label": 0}


def test_a_signal_is_written_as_the_source_shows_it() -> None:
    text = written(document(of_source()))
    assert read(text.encode()) == read(BODY.encode())
    assert list(document(of_source())) == list(read(BODY.encode()))
    elsewhere = AT.astimezone(timezone(timedelta(hours=3)))
    assert document(signal(timestamp=elsewhere))["timestamp"] == "2025-10-25T10:30:00Z"


@pytest.mark.parametrize(
    "values",
    [
        {"symbol": ""}, {"symbol": "EUR/USD"}, {"symbol": "E" * 25}, {"symbol": "EUR\nUSD"},
        {"timestamp": AT.replace(tzinfo=None)}, {"confidence": Decimal("1.01")},
        {"confidence": Decimal("-0.1")}, {"confidence": Decimal("NaN")}, {"price": Decimal(0)},
        {"price": Decimal("Infinity")}, {"price": Decimal("1e13")}, {"sl_pips": Decimal("-1")},
        {"tp_pips": Decimal("NaN")}, {"price": Decimal("0.000000001")},
        {"meta": {"x": "y" * 2000}}, {"meta": {"x": "\0"}}, {"meta": {"x": "\ud800"}},
        {"meta": {"x": 0.5}}, {"meta": {1: "x"}}, {"meta": {"x": Decimal("NaN")}},
        {"meta": {"x": 10**41}},
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_no_signal(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        signal(**values)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**18), 10**18)
        | st.text(st.characters(exclude_categories=["Cs"]))
        | st.decimals(-(10**9), 10**9, places=4),
        lambda part: st.lists(part) | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])), part),
        max_leaves=8,
    )
)  # fmt: skip
def test_what_is_written_is_read_again_digit_by_digit(value: Any) -> None:
    again = read(written(value).encode())
    assert again == value
    assert written(again) == written(value)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"NaN", b"[Infinity]", b'{"a": 1, "a": 1}', b"1.0e3", b"1e3", b"\xff", b"1 2",
        b"\xef\xbb\xbf{}", b'"\\ud800"', b'{"\\udfff": 1}', b"1" * 41, b"0." + b"1" * 40,
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_loose_json_is_not_read(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        read(raw)
