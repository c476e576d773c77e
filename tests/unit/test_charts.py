"""The chart above a card: always a picture, always the same one, and readable."""

import itertools
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import i18n
from bot.charts import Levels, draw, market_of
from bot.drawing import Draw
from bot.i18n import Words
from bot.pictures.candles import average, candle_chart, paint
from bot.pictures.canvas import SMALL
from bot.pictures.market import Market
from bot.pictures.places import spread
from broker.feeds.recorded import shipped_recording
from broker.instruments import instrument
from engine.domain.account import Direction
from engine.domain.market import Candle, Conversion, Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, CalendarEvent, CalendarView, Impact
from engine.domain.state import Control
from engine.errors import InvalidInput
from engine.snapshot.indicators import WINDOW, compute
from tests.builders import window
from tests.pictures import ARABIC, RUSSIAN, check_places, letters, size, speak

__all__ = ["letters"]

ENGLISH = Words("en", "Europe/Madrid")
PIP = Decimal("0.0001")


@cache
def recorded() -> Sequence[Candle]:
    return shipped_recording().candles


def bundle(
    candles: Sequence[Candle] | None = None,
    *,
    symbol: str = "EURUSD",
    timeframe: Timeframe = Timeframe.H1,
    news: Sequence[timedelta] = (),
) -> Bundle:
    """A bundle as the last candle closes; ``news`` says how long after that each release comes."""
    shown = tuple(recorded()[700 : 700 + WINDOW] if candles is None else candles)
    spec = instrument(symbol)
    instant = shown[-1].time + timeframe.length if shown else datetime(2018, 1, 1, tzinfo=UTC)
    now, before = compute(shown, digits=spec.digits)
    events = tuple(
        CalendarEvent(time=instant + after, currency="USD", impact=Impact.HIGH, title="NFP")
        for after in news
    )
    return Bundle(
        symbol=symbol,
        timeframe=timeframe,
        instant=instant,
        candles=shown,
        indicators=now,
        indicators_before=before,
        quote=None,
        instrument=spec,
        conversion=Conversion(rate=Decimal(1)),
        valuations=(),
        calendar=CalendarView(events=events, known_until=instant),
        news=(),
        account=None,
        day=None,
        positions=(),
        orders=(),
        settings=RiskSettings(),
        settings_version=1,
        strategies=(),
        control=Control(changed_at=instant),
    )


def trade(around: Decimal, direction: Direction, *pips: int) -> Levels:
    """Levels at so many pips from the entry: the stop first, then the targets."""
    stop, *targets = pips
    return Levels(
        entry=around,
        stop=around - direction.sign * stop * PIP,
        targets=tuple(around + direction.sign * pip * PIP for pip in targets),
        direction=direction,
    )


@pytest.mark.parametrize("direction", list(Direction))
def test_a_trade_is_drawn_as_a_png_a_phone_can_show(direction):
    seen = bundle(news=[timedelta(hours=-20), timedelta(minutes=30)])
    picture = draw(seen, trade(seen.candles[-1].close, direction, 25, 40, 80), ENGLISH)
    assert size(picture) == (780, 640)
    assert len(picture) <= 100 * 1024


def test_the_drawing_library_is_loaded_only_when_something_is_drawn():
    code = "import sys, bot.charts; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_buy_and_a_sell_look_different():
    seen = bundle()
    price = seen.candles[-1].close
    buy, sell = (draw(seen, trade(price, way, 25, 50), ENGLISH) for way in Direction)
    assert buy != sell


@pytest.mark.parametrize(
    "levels",
    [
        Levels(),
        Levels(entry=Decimal("1.18")),
        Levels(stop=Decimal("1.17")),
        Levels(targets=(Decimal("1.19"), Decimal("1.2"))),
        Levels(fill=Decimal("1.18"), stop=Decimal("1.17"), direction=Direction.BUY),
    ],
)
def test_levels_may_be_missing(levels):
    assert size(draw(bundle(), levels, ENGLISH)) == (780, 640)


@pytest.mark.parametrize("count", [0, 1, 2, 19, 20, 60, 61])
def test_few_candles_are_enough(count):
    seen = replace(bundle(), candles=tuple(recorded()[:count]))
    assert size(draw(seen, Levels(), ENGLISH)) == (780, 640)
    assert size(draw(seen, trade(Decimal("1.07"), Direction.SELL, 20, 40), ENGLISH)) == (780, 640)


def test_a_level_far_outside_leaves_the_candles_visible():
    seen = bundle()
    far = Levels(entry=seen.candles[-1].close, stop=Decimal("0.00001"), targets=(Decimal(99999),))
    assert size(draw(seen, far, ENGLISH)) == (780, 640)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("es", "entrada"),
        ("ar", "دخول"),
        ("he", "כניסה"),
        ("ja", "エントリー"),
        ("hi", "प्रवेश"),
        ("th", "เข้า"),
    ],
)
def test_any_language_and_zone_can_be_written(language, word, zone, monkeypatch):
    shipped = i18n._catalogue
    texts = {**shipped("en").texts, "chart.entry": (word,), "chart.target": (word * 4,)}
    foreign = replace(shipped("en"), texts=texts)
    monkeypatch.setattr(
        i18n, "_catalogue", lambda tag: foreign if tag == language else shipped(tag)
    )
    seen = bundle(news=[timedelta(hours=2)])
    levels = trade(seen.candles[-1].close, Direction.BUY, 25, 50)
    assert size(draw(seen, levels, Words(language, zone))) == (780, 640)


def test_a_symbol_with_signs_of_markup_and_mathematics_is_only_text():
    seen = replace(bundle(), symbol="$S&P_500^$<b>\n月")
    assert size(draw(seen, Levels(), ENGLISH)) == (780, 640)


def test_the_same_input_gives_the_same_bytes_in_any_thread():
    seen = bundle(news=[timedelta(hours=2)])
    levels = trade(seen.candles[-1].close, Direction.BUY, 25, 50)
    with ThreadPoolExecutor(4) as pool:
        pictures = set(pool.map(lambda _: draw(seen, levels, ENGLISH), range(8)))
    assert pictures == {draw(seen, levels, ENGLISH)}


def test_a_flat_market_is_drawn():
    price = Decimal("1.18")
    start = datetime(2018, 1, 1, tzinfo=UTC)
    flat = [
        Candle(start + timedelta(hours=n), price, price, price, price, 0) for n in range(WINDOW)
    ]
    assert size(draw(bundle(flat), Levels(entry=price), ENGLISH)) == (780, 640)
    assert size(draw(bundle(flat), trade(price, Direction.BUY, 5, 10), ENGLISH)) == (780, 640)


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_every_timeframe_has_an_axis(timeframe):
    start = datetime(2018, 1, 1, tzinfo=UTC)
    candles = [
        replace(candle, time=start + number * timeframe.length)
        for number, candle in enumerate(recorded()[:WINDOW])
    ]
    assert size(draw(bundle(candles, timeframe=timeframe), Levels(), ENGLISH)) == (780, 640)


def test_only_releases_of_high_impact_for_the_symbol_are_marked():
    plain = bundle()
    price = plain.candles[-1].close
    levels = trade(price, Direction.BUY, 25, 50)
    marked = bundle(news=[timedelta(hours=2)])
    assert marked.calendar is not None
    [event] = marked.calendar.events
    others = [
        replace(event, impact=Impact.MEDIUM),
        replace(event, currency="JPY"),
        replace(event, time=plain.instant + timedelta(days=9)),
        replace(event, time=plain.instant - timedelta(days=90)),
    ]
    unmarked = replace(
        plain, calendar=CalendarView(events=tuple(others), known_until=plain.instant)
    )
    nothing = draw(plain, levels, ENGLISH)
    assert draw(marked, levels, ENGLISH) != nothing
    assert draw(unmarked, levels, ENGLISH) == nothing
    assert draw(replace(plain, calendar=None), levels, ENGLISH) == nothing


def test_any_number_of_releases_can_be_drawn():
    seen = bundle(news=[timedelta(hours=n, minutes=30) for n in range(-70, 20)])
    assert size(draw(seen, Levels(), ENGLISH)) == (780, 640)


@pytest.mark.parametrize(("length", "figure"), [(20, "ema_20"), (50, "ema_50")])
def test_the_averages_are_the_ones_the_decision_saw(length, figure):
    seen = bundle()
    drawn = average([float(candle.close) for candle in seen.candles], length)
    assert drawn[-1] == pytest.approx(float(getattr(seen.indicators, figure)), abs=1e-6)
    assert len(drawn) == WINDOW - length + 1


def test_an_average_of_too_few_candles_is_empty():
    assert average([1.0] * 19, 20) == []
    assert average([1.0] * 20, 20) == [1.0]


places = st.lists(st.floats(-1e4, 1e4, allow_nan=False), max_size=12)


@given(places, st.floats(1, 60))
def test_labels_never_overlap_and_stay_inside_and_in_order(wanted, label):
    low, high = 0.0, 12 * 60.0
    found = spread(wanted, label, low, high)
    assert all(low - 1e-6 <= place <= high + 1e-6 for place in found)
    ordered = sorted(found)
    assert all(b - a >= label - 1e-6 for a, b in itertools.pairwise(ordered))
    by_wish = [place for _, place in sorted(zip(wanted, found, strict=True))]
    assert by_wish == pytest.approx(ordered)


@given(st.lists(st.integers(1, 9).map(lambda n: n * 50.0), unique=True))
def test_labels_with_room_stay_where_they_belong(wanted):
    assert spread(wanted, 50, 0, 500) == pytest.approx(wanted)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=40))
def test_too_many_labels_share_the_room_there_is(wanted):
    found = sorted(spread(wanted, 30, 0, 100))
    gaps = [b - a for a, b in itertools.pairwise(found)]
    assert min(gaps) >= min(30, 100 / (len(wanted) - 1)) - 1e-6
    assert found[0] >= -1e-6
    assert found[-1] <= 100 + 1e-6


def market(candles: Sequence[Candle] | None = None, **values: Any) -> Market:
    shown = tuple(recorded()[700:900] if candles is None else candles)
    usual: dict[str, Any] = {
        "timeframe": Timeframe.H1,
        "instant": datetime(2018, 1, 1, tzinfo=UTC),
        "instrument": instrument("EURUSD"),
        "candles": shown,
    }
    return Market(**{**usual, **values})


def scaled(factor: str, digits: int) -> tuple[Candle, ...]:
    def at(price: Decimal) -> Decimal:
        return round(price * Decimal(factor), digits)

    return tuple(
        Candle(c.time, at(c.open), at(c.high), at(c.low), at(c.close), 1)
        for c in recorded()[700:900]
    )


LAST = recorded()[899].close
BIG = replace(instrument("EURUSD"), symbol="BTCUSD", digits=2, pip=Decimal(1))
SMALL_PRICE = replace(instrument("EURUSD"), symbol="SHIBUSD", digits=8, pip=Decimal("1e-8"))
FIVE = replace(trade(LAST, Direction.BUY, 25, 10, 12, 14, 300, 900), fill=LAST)
FAR = Levels(entry=LAST, stop=Decimal("0.00001"), targets=(Decimal(99999),))
MARKETS = {
    "none": market([]),
    "levels and no candle": market([], trades=(FIVE,)),
    "one": market(recorded()[:1], trades=(FIVE,)),
    "two": market(recorded()[:2]),
    "flat": market(
        [replace(c, open=LAST, high=LAST, low=LAST, close=LAST) for c in recorded()[:200]]
    ),
    "huge prices": market(
        scaled("90000", 2),
        instrument=BIG,
        trades=(Levels(entry=Decimal("100000.00"), stop=Decimal("95000.50")),),
    ),
    "tiny prices": market(
        scaled("0.00001082", 8),
        instrument=SMALL_PRICE,
        trades=(Levels(entry=Decimal("0.00001234"), stop=Decimal("0.000012")),),
        resistance=Decimal("0.00001225"),
    ),
    "five targets": market(trades=(FIVE,), support=LAST - 5 * PIP, resistance=LAST + 5 * PIP),
    "far outside": market(trades=(FAR,)),
    "many trades": market(
        trades=tuple(
            replace(trade(LAST + n * PIP, way, 30, 40, 50), name=f"#{n}")
            for n, way in enumerate(list(Direction) * 5, 1000)
        )
    ),
    "long symbol": market(instrument=replace(instrument("EURUSD"), symbol="US500.cash#" * 9)),
    "news": market(
        events=tuple(
            CalendarEvent(
                time=recorded()[899].time + n * timedelta(hours=1),
                currency=currency,
                impact=Impact.HIGH,
                title="NFP",
            )
            for n in (-30, -29, 0, 1)
            for currency in ("USD", "EUR", "GBP", "CHF")
        )
    ),
    "daily": market(
        [
            replace(c, time=datetime(2017, 1, 2, tzinfo=UTC) + timedelta(days=n))
            for n, c in enumerate(recorded()[:200])
        ],
        timeframe=Timeframe.D1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es", "ru", "ar"])
@pytest.mark.parametrize("name", MARKETS)
def test_every_market_is_drawn_and_its_texts_stand_apart(name, language, letters, monkeypatch):
    speak(monkeypatch, {"ru": RUSSIAN, "ar": ARABIC})
    canvas = paint(MARKETS[name], Words(language, "Asia/Kathmandu"))
    check_places(canvas)
    assert min(letters) >= SMALL
    picture = canvas.png()
    assert size(picture) == (780, 640)
    assert len(picture) <= 100 * 1024


def test_the_hours_of_the_strategy_are_shaded():
    plain, hours = market(), (window("07:00", "16:00"),)
    shaded = replace(plain, windows=hours)
    assert candle_chart(shaded, ENGLISH) != candle_chart(plain, ENGLISH)
    always = replace(plain, windows=(window("00:00", "12:00"), window("12:00", "00:00")))
    assert candle_chart(always, ENGLISH) == candle_chart(plain, ENGLISH)
    slow = replace(plain, timeframe=Timeframe.H4)
    assert candle_chart(replace(slow, windows=hours), ENGLISH) == candle_chart(slow, ENGLISH)


def test_zones_are_those_of_the_exits_and_far_ones_are_left_out():
    seen = bundle()
    made = market_of(seen, Levels())
    last = seen.candles[-1].close
    assert made.support is not None
    assert made.resistance is not None
    assert made.support < last < made.resistance
    plain = replace(made, support=None, resistance=None)
    assert candle_chart(made, ENGLISH) != candle_chart(plain, ENGLISH)
    far = replace(made, support=Decimal("0.5"), resistance=Decimal(9))
    assert candle_chart(far, ENGLISH) == candle_chart(plain, ENGLISH)


def test_a_bundle_without_candles_has_no_zones():
    made = market_of(replace(bundle(), candles=()), Levels())
    assert (made.support, made.resistance) == (None, None)


def test_the_axis_is_in_the_persons_zone():
    madrid, tokyo = (
        candle_chart(market(), Words("en", zone)) for zone in ("Europe/Madrid", "Asia/Tokyo")
    )
    assert madrid != tokyo


async def test_a_picture_of_an_unknown_kind_is_refused_by_name():
    unused: Any = None
    with pytest.raises(InvalidInput, match="'moon'"):
        await Draw(store=unused, collect=None, read_performance=None)({"moon": 1}, ENGLISH)


def test_memory_does_not_grow_with_the_number_of_charts():
    process, seen = psutil.Process(), []
    shown = [bundle(recorded()[n : n + 200]) for n in range(0, 400, 10)]
    for number in range(120):
        draw(shown[number % 40], trade(LAST, Direction.BUY, 25, 40 + number), ENGLISH)
        if number in (39, 119):
            seen.append(process.memory_info().rss)
    assert seen[1] - seen[0] < 4 * 2**20
