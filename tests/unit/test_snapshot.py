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
from engine.domain.feed_fault import FeedMemory, facts_of
from engine.domain.live import LiveView
from engine.domain.market import Candle, Conversion, RateStep, Timeframe
from engine.domain.snapshot import Bundle, Headline, Indicators
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.snapshot import parts
from engine.snapshot.canonical import canonical, digest, plain, restore, squeeze, unsqueeze
from engine.snapshot.dictionary import SKELETON
from engine.snapshot.indicators import WINDOW, compute
from engine.snapshot.parts import MissingParts, names_of, pack, unpack
from engine.snapshot.recent import Recent
from engine.snapshot.rows import BLOCK, groups, read_rows, write_rows
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
    stored,
)
from tests.models import prediction


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
        candles=recorded(300),
        frames=(replace(frame(), candles=recorded(200)), frame(Timeframe.D1)),
        recent=(past_idea(),),
        indicators=indicators(sma_200=None),
    )


PACKED = pack(full())
EMPTY = dict.fromkeys(
    ("candles", "news", "positions", "orders", "strategies", "valuations", "frames", "recent"), ()
) | dict.fromkeys(("quote", "calendar", "account", "day", "conversion"))


def read_afresh(monkeypatch):
    """Forget what was read before, so that every part is fetched and checked."""
    monkeypatch.setattr(parts, "_READ", Recent(100))


@pytest.mark.parametrize(
    "made", [full(), bundle(), bundle(**EMPTY)], ids=["full", "plain", "empty"]
)
def test_a_bundle_comes_back_as_it_was(made, monkeypatch):
    for _ in range(2):  # from its bytes, and from what was read before
        back = stored(pack(made))
        assert back == made
        assert pack(back).hash == pack(made).hash
        assert repr(plain(back)) == repr(plain(made))
    read_afresh(monkeypatch)
    assert repr(plain(stored(pack(made)))) == repr(plain(made))


def test_every_digit_of_a_decimal_comes_back():
    digits = ["10000.10", "10000.1", "10000.100", "0.00", "0E-7", "1E+3", "-0.00"]
    for text in digits:
        back = stored(pack(bundle(account=account(equity=Decimal(text)))))
        assert back.account is not None
        assert str(back.account.equity) == text
    hashes = {pack(bundle(account=account(equity=Decimal(text)))).hash for text in digits}
    assert len(hashes) == len(digits)


def test_the_same_bundle_gives_the_same_hash_in_another_process():
    code = (
        "from tests.unit.test_snapshot import full; from engine.snapshot.parts import pack;"
        "print(pack(full()).hash, *sorted(pack(full()).parts))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}, cwd=".",
    )  # fmt: skip
    assert ran.stdout.split() == [PACKED.hash, *sorted(PACKED.parts)]


def test_canonical_bytes_are_sorted_tight_utf_8():
    assert canonical({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'.encode()
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical({"a": float("nan")})


def test_a_hash_is_over_the_bytes_before_compression():
    for part in (PACKED.manifest, *PACKED.parts.values()):
        assert digest(part.data) == part.hash
        assert unsqueeze(part.hash, part.body) == part.data
        assert canonical(json.loads(part.data)) == part.data


def test_the_dictionary_of_stored_bodies_never_changes():
    assert digest(SKELETON) == "0e15bf4af6e2994164036b56b89d911a80454ba79a6a0a5a8fc51bb2338db0af"


@pytest.mark.parametrize("field", [field.name for field in fields(Bundle)])
def test_a_change_of_any_part_changes_the_hash(field):
    other = {
        "schema": 2, "symbol": "GBPUSD", "timeframe": Timeframe.H4, "instant": NOW + HOUR,
        "candles": (candle(),), "indicators": indicators(rsi_14="1"),
        "indicators_before": indicators(rsi_14="1"), "quote": None,
        "instrument": replace(bundle().instrument, digits=4), "conversion": conversion("1.0"),
        "valuations": (),
        "calendar": None, "news": (Headline(time=NOW, source="", text=""),), "account": None,
        "day": None, "positions": (position(),), "orders": (open_order(),),
        "settings": replace(bundle().settings, watchlist=()), "settings_version": 2,
        "strategies": (), "control": control(version=2), "frames": (frame(),),
        "recent": (past_idea(),), "live": LiveView(account="1@B", missing=("confirmed",)),
        "feed": FeedMemory(believed=facts_of(bundle().instrument)), "prediction": prediction(),
    }  # fmt: skip
    assert pack(replace(bundle(), **{field: other[field]})).hash != pack(bundle()).hash


STORED = {PACKED.hash: PACKED.body} | {name: part.body for name, part in PACKED.parts.items()}


def read_with(name, body):
    """The full bundle from its store, in which one body is another."""
    bodies = STORED | {name: body}
    with pytest.MonkeyPatch.context() as patch:
        read_afresh(patch)
        return unpack(PACKED.hash, bodies[PACKED.hash], bodies.get)


@given(st.data())
def test_a_changed_byte_of_a_manifest_or_a_part_is_detected(data):
    name = data.draw(st.sampled_from([PACKED.hash, *sorted(PACKED.parts)]))
    broken = bytearray(STORED[name])
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InvalidInput, match=f"{name[:12]} cannot be decompressed"):
        read_with(name, bytes(broken))


@given(st.data())
def test_a_changed_byte_is_detected_even_when_it_is_compressed_anew(data):
    name = data.draw(st.sampled_from([PACKED.hash, *sorted(PACKED.parts)]))
    raw = bytearray(unsqueeze(name, STORED[name]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1
    with pytest.raises(InvalidInput, match=f"{name[:12]} has other bytes than its hash says"):
        read_with(name, squeeze(bytes(raw)))


def test_a_part_in_the_place_of_another_is_detected():
    one, other = sorted(PACKED.parts)[:2]
    with pytest.raises(InvalidInput, match=f"{one[:12]} has other bytes than its hash says"):
        read_with(one, STORED[other])


@pytest.mark.parametrize("body", [b"", b"no zlib", PACKED.body[:-1], PACKED.body[5:]])
def test_bytes_that_cannot_be_decompressed_are_refused(body):
    with pytest.raises(InvalidInput, match="cannot be decompressed"):
        unpack(PACKED.hash, body, STORED.get)


@pytest.mark.parametrize("name", sorted(PACKED.parts))
def test_a_part_that_is_missing_is_named(name, monkeypatch):
    read_afresh(monkeypatch)
    with pytest.raises(MissingParts, match=name[:12]) as caught:
        unpack(PACKED.hash, PACKED.body, (STORED | {name: None}).get)
    assert caught.value.names == (name,)


def test_what_was_read_before_is_not_fetched_again():
    stored(PACKED)
    assert unpack(PACKED.hash, PACKED.body, {}.get) == full()


def test_a_bundle_that_was_stored_whole_before_there_were_parts_is_still_read():
    data = canonical(plain(full()))
    body = zlib.compress(data, 6)
    assert unpack(digest(data), body, {}.get) == full()
    with pytest.raises(InvalidInput, match="has other bytes than its hash says"):
        unpack(PACKED.hash, body, {}.get)


def test_a_memory_forgets_what_was_not_used_for_longest():
    memory = Recent(2)
    memory.keep("a", 1)
    memory.keep("b", 2)
    assert memory.recall("a") == 1
    memory.keep("c", 3)
    assert (memory.recall("a"), memory.recall("b"), memory.recall("c")) == (1, None, 3)


def test_every_part_is_named_and_every_name_is_a_part():
    everything = (PACKED.manifest, *PACKED.parts.values())
    assert {name for part in everything for name in part.names} == set(PACKED.parts)
    for part in everything:
        assert names_of(json.loads(part.data)) == part.names
    assert {part.hash for part in PACKED.below(PACKED.manifest.names)} == set(PACKED.parts)


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
    assert stored(pack(made)).instant == NOW


# ---- candles ---------------------------------------------------------------------------------


def test_successive_bars_share_all_but_a_block_and_the_list_of_blocks():
    seen = set(pack(over(recorded(start=0))).parts)
    for start in range(1, 40):
        packed = pack(over(recorded(start=start)))
        fresh = packed.parts.keys() - seen
        lists = [name for name in fresh if packed.parts[name].names]
        assert (len(lists), len(fresh) - len(lists)) in ((0, 0), (1, 0), (1, 1))
        seen |= packed.parts.keys()
    assert len(seen) < 40


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 64, 65, 97])
def test_a_window_of_any_length_comes_back(count, monkeypatch):
    made = over(recorded(count, 11))
    packed = pack(made)
    assert stored(packed) == made
    read_afresh(monkeypatch)
    assert stored(packed) == made


def over(shown):
    """The bundle over these candles."""
    return bundle(candles=shown)


def test_blocks_hang_on_the_grid_of_time_and_lose_no_candle():
    shown = recorded(WINDOW, 77)
    found = groups(shown, HOUR)
    assert sum(found, ()) == shown
    for group in found:
        places = {int(c.time.timestamp()) // 3600 // BLOCK for c in group}
        assert len(places) == 1
    assert len({int(g[0].time.timestamp()) // 3600 // BLOCK for g in found}) == len(found)


prices = st.decimals("0.00001", "99999", allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.tuples(prices, prices, prices, prices, st.integers(0, 2**62)), max_size=40),
    st.one_of(st.none(), st.integers(0, 12)),
    st.sampled_from([HOUR, timedelta(seconds=1, microseconds=5)]),
)
def test_any_candles_come_back_with_every_digit(numbers, places, step):
    made = []
    for i, (a, b, c, d, volume) in enumerate(numbers):
        shown = [a, b, c, d]
        if places is not None:
            shown = [max(x, Decimal(1)).quantize(Decimal(1).scaleb(-places)) for x in shown]
        low, *middle, high = sorted(shown)
        made.append(Candle(NOW + step * i, middle[0], high, low, middle[1], volume))
    document = json.loads(canonical(write_rows(made)))
    assert repr(read_rows(document)) == repr(tuple(made))


def test_candles_that_differ_only_in_their_digits_are_not_taken_for_one_another():
    shown = recorded(200)
    longer = tuple(replace(c, close=Decimal(f"{c.close}0")) for c in shown)
    assert longer == shown
    first = pack(bundle(candles=shown))
    assert pack(bundle(candles=longer)).hash != first.hash
    assert str(stored(pack(bundle(candles=longer))).candles) == str(longer)
    assert str(stored(first).candles) == str(shown)


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
