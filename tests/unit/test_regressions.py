"""Faults that were found once, each by its shortest proof."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from bot.i18n import Words
from bot.views.facts import coded
from broker.feeds.calendar_csv import CsvCalendar
from broker.feeds.csv_candles import parse_candles, read_candles, write_candles
from engine.domain.account import Direction
from engine.domain.market import Candle, Timeframe
from engine.domain.values import decimal, from_float
from engine.errors import InvalidInput
from engine.strategies.documents import SHIPPED, parse, strategy_id
from engine.strategies.exits import check_stop, target_price
from tests.builders import bundle, day, indicators

EN = Words("en")
HEADER = "time,open,high,low,close,volume"


def shipped_text(**edits: str) -> str:
    import json
    from importlib.resources import files

    text = (files("engine.strategies") / "shipped" / f"{SHIPPED[0]}.json").read_text("utf-8")
    document = json.loads(text)
    document.update(edits)
    return json.dumps(document)


@pytest.mark.parametrize("text", ["１２", "٣", "1２"])
def test_digits_of_other_scripts_are_no_numbers(text: str) -> None:
    with pytest.raises(InvalidInput):
        decimal(text)
    with pytest.raises(InvalidInput):
        check_stop(f"{text} * atr")


@pytest.mark.parametrize(
    ("time", "opened"),
    [
        ("2017-04-19T09:00:00.000Z", datetime(2017, 4, 19, 9, tzinfo=UTC)),
        ("2017-04-19 09:00:00.000000+00:00", datetime(2017, 4, 19, 9, tzinfo=UTC)),
        ("2017.04.19 09:00:00Z", datetime(2017, 4, 19, 9, tzinfo=UTC)),
    ],
)
def test_fraction_of_a_second_is_no_time_zone(time: str, opened: datetime) -> None:
    (candle,) = parse_candles([HEADER, f"{time},1,1,1,1,1"], Timeframe.H1)
    assert candle.time == opened


@pytest.mark.parametrize("time", ["2017-04-19 09:00:00.0500", "2017-04-19 09:00:00.000000"])
def test_time_without_a_zone_stays_without_one_however_it_is_written(time: str) -> None:
    with pytest.raises(InvalidInput, match="no time zone"):
        parse_candles([HEADER, f"{time},1,1,1,1,1"], Timeframe.H1)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+05:00", "9" * 200_000])
def test_time_out_of_this_world_is_named_by_its_line(time: str) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        parse_candles([HEADER, f"{time},1,1,1,1,1"], Timeframe.H1)


def test_offset_of_a_day_is_refused() -> None:
    with pytest.raises(InvalidInput, match="24 hours"):
        parse_candles([HEADER, "x"], Timeframe.H1, utc_offset=timedelta(hours=24))


def test_written_candles_read_back_whatever_their_zone_and_size(tmp_path: Path) -> None:
    tiny, east = Decimal("8.1E-7"), timezone(timedelta(hours=2))
    candle = Candle(datetime(2020, 1, 1, 12, tzinfo=east), tiny, tiny, tiny, tiny, 1)
    write_candles(tmp_path / "x.csv", [candle])
    assert read_candles(tmp_path / "x.csv", Timeframe.H1) == (candle,)


def test_code_nobody_has_words_for_is_escaped_and_short() -> None:
    shown = coded(EN, "check", "Invalid stops <10015>" + "e" * 900)
    assert "<10015>" not in shown
    assert len(shown) < 200


@pytest.mark.parametrize("start", ["0", "-100"])
def test_day_that_began_with_nothing_has_lost_it_all(start: str) -> None:
    begun = replace(day(), start_equity=Decimal(start), peak_equity=Decimal(0))
    assert begun.loss_percent(Decimal(-500)) == 100


@pytest.mark.parametrize(
    "edits",
    [{"name": "EMA trend\n"}, {"name": "EMA \ud800"}, {"allowed_symbols": ["EURUSD\n"]}],
)  # fmt: skip
def test_document_with_hidden_characters_is_refused(edits: dict) -> None:
    with pytest.raises(InvalidInput):
        parse(strategy_id("x"), shipped_text(**edits))


def test_document_with_a_number_beyond_all_bounds_is_refused() -> None:
    text = shipped_text().replace(
        '"rr_expectation": 2.0', '"rr_expectation": 1e9999999999999999999'
    )
    assert "1e99" in text
    with pytest.raises(InvalidInput):
        parse(strategy_id("x"), text)


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("atr", ["0.000755", "0.001231", "0.000333"])
def test_target_by_ratio_is_never_short_of_it(direction: Direction, atr: str) -> None:
    seen = bundle(indicators=replace(indicators(), atr_14=Decimal(atr)))
    entry, risk = Decimal("1.10008"), (2 * Decimal(atr)).quantize(Decimal("0.00001"))
    price = target_price("RR>=1.5", seen, direction, entry, risk)
    assert price is not None
    assert abs(price - entry) / risk >= Decimal("1.5")


def test_zone_that_is_a_folder_of_zones_falls_back_to_utc() -> None:
    shown = Words("en", "America").moment(datetime(2020, 1, 1, 12, tzinfo=UTC))
    assert shown.endswith("UTC")


def test_release_without_a_title_is_refused_by_its_line() -> None:
    with pytest.raises(InvalidInput, match="line 2: title is missing"):
        CsvCalendar("time,currency,impact,title\n2020-01-01T00:00:00Z,USD,high\n")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_figure_that_is_none_is_refused(number: float) -> None:
    with pytest.raises(InvalidInput):
        from_float(number, 5)
