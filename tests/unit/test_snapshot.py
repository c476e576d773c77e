"""The frozen picture: the same bytes everywhere, back as it was, and figures one can check."""

import json
import subprocess
import sys
import zlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache

import pandas as pd
import pandas_ta_classic as ta
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Candle, Conversion, RateStep, Timeframe
from engine.domain.snapshot import Bundle, Headline, Indicators
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.snapshot.canonical import canonical, digest, pack, plain, restore, unpack
from engine.snapshot.indicators import WINDOW, compute
from engine.strategies.documents import shipped
from tests.builders import (
    HOUR,
    NOW,
    account,
    bundle,
    calendar,
    candle,
    control,
    conversion,
    day,
    frame,
    indicators,
    open_order,
    past_idea,
    position,
    release,
)


@cache
def recorded(count=WINDOW, start=0):
    return tuple(shipped_recording().candles[start : start + count])


def full():
    """A bundle with something in every place."""
    return bundle(
        calendar=calendar(release(HOUR, forecast="0,2 %", title="Índice «CPI» <b>")),
        news=(Headline(time=NOW, source="wire", text="Ångström ✓", symbols=("EURUSD",)),),
        positions=(position(stop_loss=None),),
        orders=(open_order(strategy_id=None),),
        conversion=Conversion(
            rate=Decimal("0.00666666666667"),
            path=(RateStep(symbol="USDJPY", price=Decimal("150.000"), divide=True),),
        ),
        strategies=shipped(),
        account=account(equity="10000.10"),
        day=day("9999.90"),
        control=control(paused_symbols=("GBPUSD",)),
        indicators=indicators(sma_200=None),
    )


PACKED = pack(full())
EMPTY = dict.fromkeys(
    ("candles", "news", "positions", "orders", "strategies", "valuations"), ()
) | dict.fromkeys(("quote", "calendar", "account", "day", "conversion"))


@pytest.mark.parametrize(
    "made", [full(), bundle(), bundle(**EMPTY)], ids=["full", "plain", "empty"]
)
def test_a_bundle_comes_back_as_it_was(made):
    hash_, packed = pack(made)
    back = unpack(hash_, packed)
    assert back == made
    assert pack(back) == (hash_, packed)
    assert repr(plain(back)) == repr(plain(made))


def test_every_digit_of_a_decimal_comes_back():
    digits = ["10000.10", "10000.1", "10000.100", "0.00", "0E-7", "1E+3", "-0.00"]
    for text in digits:
        made = bundle(account=account(equity=Decimal(text)))
        back = unpack(*pack(made))
        assert back.account is not None
        assert str(back.account.equity) == text
    hashes = {pack(bundle(account=account(equity=Decimal(text))))[0] for text in digits}
    assert len(hashes) == len(digits)


def test_the_same_bundle_gives_the_same_hash_in_another_process():
    code = (
        "from tests.builders import bundle; from engine.snapshot.canonical import pack;"
        "print(pack(bundle())[0])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}, cwd=".",
    )  # fmt: skip
    assert ran.stdout.strip() == pack(bundle())[0]


def test_canonical_bytes_are_sorted_tight_utf_8():
    assert canonical({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'.encode()
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical({"a": float("nan")})


def test_the_hash_is_over_the_bytes_before_compression():
    hash_, packed = pack(full())
    assert digest(zlib.decompress(packed)) == hash_
    assert unpack(hash_, zlib.compress(zlib.decompress(packed), 1)) == full()


@pytest.mark.parametrize("field", [field.name for field in fields(Bundle)])
def test_a_change_of_any_part_changes_the_hash(field):
    other = {
        "schema": 3, "symbol": "GBPUSD", "timeframe": Timeframe.H4, "instant": NOW + HOUR,
        "candles": (candle(),), "indicators": indicators(rsi_14="1"),
        "indicators_before": indicators(rsi_14="1"), "quote": None,
        "instrument": replace(bundle().instrument, digits=4), "conversion": conversion("1.0"),
        "valuations": (),
        "calendar": None, "news": (Headline(time=NOW, source="", text=""),), "account": None,
        "day": None, "positions": (position(),), "orders": (open_order(),),
        "settings": replace(bundle().settings, watchlist=()), "settings_version": 2,
        "strategies": (), "control": control(version=2), "frames": (frame(),),
        "recent": (past_idea(),),
    }  # fmt: skip
    assert pack(replace(bundle(), **{field: other[field]}))[0] != pack(bundle())[0]


@given(st.data())
def test_a_changed_byte_is_detected(data):
    hash_, packed = PACKED
    place = data.draw(st.integers(0, len(packed) - 1))
    bit = data.draw(st.integers(0, 7))
    broken = bytearray(packed)
    broken[place] ^= 1 << bit
    with pytest.raises(InvalidInput, match=hash_[:12]):
        unpack(hash_, bytes(broken))


@given(st.data())
def test_a_changed_byte_is_detected_even_when_it_is_compressed_anew(data):
    hash_, packed = PACKED
    raw = bytearray(zlib.decompress(packed))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1
    with pytest.raises(InvalidInput, match="other bytes than its hash says"):
        unpack(hash_, zlib.compress(bytes(raw)))


@pytest.mark.parametrize("packed", [b"", b"no zlib", PACKED[1][:-1], PACKED[1][5:]])
def test_bytes_that_cannot_be_decompressed_are_refused(packed):
    with pytest.raises(InvalidInput, match="cannot be decompressed"):
        unpack(PACKED[0], packed)


def test_a_document_of_another_shape_is_refused_by_field():
    spoiled = plain(bundle()) | {"conversion": {"rate": "much", "path": []}}
    with pytest.raises(InvalidInput, match=r"Bundle\.conversion\.rate") as caught:
        restore(Bundle, spoiled)
    assert caught.value.details == {"field": "conversion.rate"}


def test_a_document_with_a_candle_that_cannot_be_is_refused():
    spoiled = plain(bundle())
    spoiled["candles"][3]["low"] = "9"
    with pytest.raises(InvalidInput):
        restore(Bundle, spoiled)


@pytest.mark.parametrize("made", shipped(), ids=lambda made: made.name)
def test_a_strategy_comes_back_as_it_was(made):
    assert restore(Strategy, json.loads(canonical(plain(made)))) == made


def test_an_instant_is_the_same_instant_in_another_zone():
    zone = timezone(timedelta(hours=2))
    made = bundle(instant=datetime(2017, 6, 7, 12, 0, tzinfo=zone))
    assert unpack(*pack(made)).instant == NOW


# ---- indicators ------------------------------------------------------------------------------


@cache
def reference(back):
    """What pandas-ta makes of the recorded window without its last ``back`` candles."""
    shown = recorded()[: WINDOW - back]
    high, low, close = (
        pd.Series([float(getattr(c, name)) for c in shown]) for name in ("high", "low", "close")
    )
    macd, bands = ta.macd(close), ta.bbands(close, 20, ddof=0)
    series = {
        "ema_20": ta.ema(close, 20), "ema_50": ta.ema(close, 50),
        "sma_50": ta.sma(close, 50), "sma_200": ta.sma(close, 200),
        "rsi_14": ta.rsi(close, 14), "atr_14": ta.atr(high, low, close, 14),
        "adx_14": ta.adx(high, low, close, 14).iloc[:, 0], "macd": macd.iloc[:, 0],
        "macd_signal": macd.iloc[:, 2], "macd_hist": macd.iloc[:, 1],
        "bb_low": bands.iloc[:, 0], "bb_mid": bands.iloc[:, 1], "bb_high": bands.iloc[:, 2],
    }  # fmt: skip
    return {name: float(values.iloc[-1]) for name, values in series.items()}


@pytest.mark.parametrize("back", [0, 1])
@pytest.mark.parametrize("name", sorted(reference(0)))
def test_a_figure_is_what_pandas_ta_makes_of_the_same_candles(name, back):
    found = getattr(compute(recorded(), digits=9)[back], name)
    wanted = reference(back)[name]
    if name in ("rsi_14", "adx_14"):  # kept with two digits
        wanted = round(wanted, 2)
    assert abs(float(found) - wanted) <= 1e-6


@pytest.mark.parametrize("back", [0, 1])
def test_vwap_is_the_days_turnover_over_its_volume(back):
    shown = recorded()[: WINDOW - back]
    today = [c for c in shown if c.time.date() == shown[-1].time.date()]
    turnover = sum((c.high + c.low + c.close) / 3 * c.volume for c in today)
    wanted = turnover / sum(c.volume for c in today)
    found = compute(recorded(), digits=5)[back].vwap
    assert abs(found - wanted) <= Decimal("0.0000001")


def test_without_volume_there_is_no_vwap():
    shown = tuple(replace(c, volume=0) for c in recorded())
    assert compute(shown, digits=5)[0].vwap is None


def test_figures_are_not_all_alike():
    now, before = compute(recorded(), digits=5)
    for name in (field.name for field in fields(Indicators) if not field.name.startswith("swing")):
        assert getattr(now, name) != getattr(before, name)


def test_swings_are_the_extremes_of_ten_closed_candles():
    shown = recorded()
    now, before = compute(shown, digits=5)
    assert now.swing_high == max(c.high for c in shown[-10:])
    assert now.swing_low == min(c.low for c in shown[-10:])
    assert before.swing_high == max(c.high for c in shown[-11:-1])
    assert before.swing_low == min(c.low for c in shown[-11:-1])


FIRST = {
    "ema_20": 20, "ema_50": 50, "sma_50": 50, "sma_200": 200, "rsi_14": 15, "atr_14": 15,
    "adx_14": 28, "macd": 34, "macd_signal": 34, "macd_hist": 34, "bb_low": 20, "bb_mid": 20,
    "bb_high": 20, "vwap": 1, "swing_low": 10, "swing_high": 10,
}  # fmt: skip


@pytest.mark.parametrize(("name", "count"), FIRST.items())
def test_a_figure_is_none_until_there_are_enough_candles(name, count):
    few, enough = recorded(count - 1), recorded(count)
    assert getattr(compute(few, digits=5)[0], name) is None
    assert getattr(compute(enough, digits=5)[0], name) is not None
    assert getattr(compute(enough, digits=5)[1], name) is None


def test_every_figure_is_tested_for_its_first_candle():
    assert set(FIRST) == {field.name for field in fields(Indicators)}


@pytest.mark.parametrize("count", [0, 1])
def test_without_candles_there_are_no_figures(count):
    for row in compute(recorded(count), digits=5):
        others = [field.name for field in fields(Indicators) if field.name != "vwap"]
        assert {getattr(row, name) for name in others} == {None}


@pytest.mark.parametrize("digits", [2, 3, 5])
def test_prices_have_two_digits_more_than_the_symbol_and_oscillators_two(digits):
    now, _ = compute(recorded(), digits=digits)
    for field in fields(Indicators):
        if field.name.startswith("swing"):
            continue
        places = 2 if field.name in ("rsi_14", "adx_14") else digits + 2
        assert getattr(now, field.name).as_tuple().exponent == -places


def test_figures_are_the_same_every_time():
    assert compute(recorded(), digits=5) == compute(recorded(), digits=5)


def test_a_market_that_stands_still_has_no_strength_and_no_range():
    price = Decimal(1)
    still = [
        Candle(datetime(2020, 1, 1, tzinfo=UTC) + HOUR * i, price, price, price, price, 0)
        for i in range(WINDOW)
    ]
    now, _ = compute(still, digits=5)
    assert (now.rsi_14, now.adx_14, now.atr_14) == (None, None, 0)
    assert now.sma_200 == 1
