"""Candles from files: every form is read, every bad row is named, and then nothing is taken."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.feeds.calendar_csv import CsvCalendar, shipped_calendar
from broker.feeds.csv_candles import BadRows, parse_candles, read_candles, write_candles
from broker.feeds.recorded import shipped_recording
from engine.domain.market import Candle, Timeframe
from engine.domain.snapshot import Impact
from engine.errors import InvalidInput

H1 = Timeframe.H1
PLAIN = """time,open,high,low,close,volume
2017-04-19T09:00:00Z,1.07160,1.07220,1.07083,1.07219,1413
2017-04-19T10:00:00Z,1.07214,1.07296,1.07214,1.07260,1241
"""
MT5 = (
    "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    "2017.04.19\t12:00:00\t1.07160\t1.07220\t1.07083\t1.07219\t1413\t0\t8\n"
    "2017.04.19\t13:00:00\t1.07214\t1.07296\t1.07214\t1.07260\t1241\t0\t8\n"
)
WANTED = (
    Candle(
        datetime(2017, 4, 19, 9, tzinfo=UTC),
        Decimal("1.07160"), Decimal("1.07220"), Decimal("1.07083"), Decimal("1.07219"), 1413,
    ),
    Candle(
        datetime(2017, 4, 19, 10, tzinfo=UTC),
        Decimal("1.07214"), Decimal("1.07296"), Decimal("1.07214"), Decimal("1.07260"), 1241,
    ),
)  # fmt: skip


def rows(*lines, header="time,open,high,low,close,volume", offset=None):
    return parse_candles([header, *lines], H1, utc_offset=offset)


def refused(*lines, **values):
    with pytest.raises(BadRows) as caught:
        rows(*lines, **values)
    return {bad.line: bad.reason for bad in caught.value.rows}


def hour(number, prices="1.1,1.2,1.0,1.1,5"):
    return f"2017-04-19T{number:02}:00:00Z,{prices}"


def test_plain_candles_are_read_with_every_digit():
    found = parse_candles(PLAIN.splitlines(), H1)
    assert found == WANTED
    assert str(found[0].open) == "1.07160"


def test_metatrader_candles_are_read_from_the_servers_time():
    assert parse_candles(MT5.splitlines(), H1, utc_offset=timedelta(hours=3)) == WANTED


def test_metatraders_days_have_a_date_and_no_time():
    text = [
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        "2017.04.19\t1.07\t1.08\t1.06\t1.07\t5\t0\t8",
    ]
    (found,) = parse_candles(text, Timeframe.D1, utc_offset=timedelta(hours=2))
    assert found.time == datetime(2017, 4, 18, 22, tzinfo=UTC)


@pytest.mark.parametrize("offset", [timedelta(hours=-5), timedelta(0), timedelta(hours=5.5)])
def test_an_offset_says_how_far_the_file_is_ahead_of_utc(offset):
    (found,) = rows("2017-04-19 09:00:00,1,1,1,1,0", offset=offset)
    assert found.time == datetime(2017, 4, 19, 9, tzinfo=UTC) - offset


def test_a_zone_in_the_file_is_believed_over_the_offset():
    (found,) = rows("2017-04-19T09:00:00+02:00,1,1,1,1,0", offset=timedelta(hours=9))
    assert found.time == datetime(2017, 4, 19, 7, tzinfo=UTC)


@pytest.mark.parametrize("name", ["time", "Time", "datetime", "timestamp", "<TIME>", " time "])
def test_columns_are_known_by_several_names_in_any_order(name):
    (found,) = rows(
        "9,1.1,1.0,1.05,1.02,x,2017-04-19T09:00:00Z",
        header=f"tick_volume,High,Low,OPEN,close,extra,{name}",
    )
    assert (found.open, found.high, found.low, found.close, found.volume) == (
        Decimal("1.05"), Decimal("1.1"), Decimal("1.0"), Decimal("1.02"), 9,
    )  # fmt: skip


def test_the_first_of_two_volumes_is_taken():
    (found,) = rows(
        "2017-04-19T09:00:00Z,1,1,1,1,7,0", header="time,open,high,low,close,tickvol,volume"
    )
    assert found.volume == 7


def test_a_file_needs_no_volume():
    header = "time,open,high,low,close"
    assert rows("2017-04-19T09:00:00Z,1,1,1,1", header=header)[0].volume == 0
    assert rows("2017-04-19T09:00:00Z,1,1,1,1,")[0].volume == 0


def test_a_fractional_volume_is_rounded():
    assert rows(hour(9, "1,1,1,1,1412.6"))[0].volume == 1413


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_is_read_whatever_its_form(tmp_path, delimiter, encoding, ending):
    path = tmp_path / "candles.csv"
    text = PLAIN.replace(",", delimiter).replace("\n", ending)
    path.write_bytes(text.encode(encoding))
    assert read_candles(path, H1) == WANTED


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path):
    path = tmp_path / "candles.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match=r"candles\.csv is neither UTF-8 nor UTF-16"):
        read_candles(path, H1)


def test_blank_lines_are_passed_over_and_still_counted():
    assert len(rows(hour(9), "", "   ", hour(10))) == 2
    assert list(refused(hour(9), "", hour(10, "x,1,1,1,1"))) == [4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (hour(10, "1.1,1.0,1.05,1.1,5"), "high 1.0 is below another price"),
        (hour(10, "1.1,1.2,1.15,1.1,5"), "low 1.15 is above another price"),
        (hour(10, "abc,1.2,1.0,1.1,5"), "open must be a plain number such as 12 or 0.5, not 'abc'"),
        (hour(10, "1.1,NaN,1.0,1.1,5"), "high must be a plain number"),
        (hour(10, "1.1,1.2,1e-1,1.1,5"), "low must be a plain number"),
        (hour(10, "1.1,1.2,1.0,,5"), "close must be a plain number"),
        (hour(10, "0,0,0,0,5"), "open must be above zero"),
        (hour(10, "1.1,1.2,1.0,1.1,-5"), "volume must not be negative"),
        (hour(10, "1.1,1.2,1.0,1.1,many"), "volume must be a plain number"),
        (hour(10, "1.1,1.2,1.0,1.1"), "5 fields where the header has 6"),
        (hour(10, "1.1,1.2,1.0,1.1,5,6"), "7 fields where the header has 6"),
        (hour(9), "2017-04-19 09:00Z stands here again"),
        (hour(8), "2017-04-19 08:00Z stands here out of order"),
        ("2017-04-19T09:30:00Z,1,1,1,1,1", "is nearer to the row before than one H1"),
        ("2017-04-19 10:00:00,1,1,1,1,1", "has no time zone; say how far"),
        ("19/04/2017 10:00,1,1,1,1,1", "cannot read '19/04/2017 10:00' as a time"),
        ("2017-02-30T10:00:00Z,1,1,1,1,1", "as a time"),
        (",1,1,1,1,1", "cannot read '' as a time"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_reason(line, reason):
    found = refused(hour(9), line, hour(11))
    assert list(found) == [3]
    assert reason in found[3]


def test_every_bad_row_is_named_and_nothing_is_taken():
    with pytest.raises(BadRows) as caught:
        rows(hour(9), hour(10, "1,0,1,1,1"), hour(11), hour(12, "x,1,1,1,1"))
    assert [bad.line for bad in caught.value.rows] == [3, 5]
    assert str(caught.value).startswith("2 bad rows, nothing was imported:\n  line 3: high must be")


def test_of_many_bad_rows_twenty_are_shown_and_the_rest_counted():
    with pytest.raises(BadRows) as caught:
        rows(*["x,1,1,1,1,1"] * 25)
    assert len(caught.value.rows) == 25
    assert str(caught.value).count("\n  line ") == 20
    assert str(caught.value).endswith("\n  and 5 more")


def test_metatrader_times_without_an_offset_are_all_refused():
    with pytest.raises(BadRows) as caught:
        parse_candles(MT5.splitlines(), H1)
    assert [bad.line for bad in caught.value.rows] == [2, 3]
    assert "--utc-offset" in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "the file is empty"),
        (["time,open,high,low,close"], "a header and no rows"),
        (["time,open,high,low,close", "", " "], "a header and no rows"),
        (["time,open,high,low"], "missing: close"),
        (["2017-04-19T09:00:00Z,1,1,1,1,1"], "missing: close, high, low, open, time"),
        (["date,open,low,close"], "missing: high"),
    ],
)
def test_a_file_without_candles_says_why(lines, words):
    with pytest.raises(InvalidInput, match=words):
        parse_candles(lines, H1)


prices = st.decimals("0.00001", 100_000, places=5)
columns = st.lists(st.tuples(prices, prices, prices, prices, st.integers(0, 10**9)), min_size=1)


@given(columns, st.integers(0, 10**6))
def test_what_is_written_is_read_back(tmp_path_factory, numbers, start):
    first = datetime(1980, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    made = []
    for i, (*four, volume) in enumerate(numbers):
        low, one, two, high = sorted(four)
        made.append(Candle(first + i * H1.length, one, high, low, two, volume))
    path = tmp_path_factory.getbasetemp() / "round-trip.csv"
    write_candles(path, made)
    found = read_candles(path, H1)
    assert found == tuple(made)
    assert [str(c.open) for c in found] == [str(c.open) for c in made]


def test_writing_replaces_a_file_as_a_whole(tmp_path):
    path = tmp_path / "candles.csv"
    path.write_text("old")
    write_candles(path, WANTED)
    assert path.read_text() == PLAIN
    assert [found.name for found in tmp_path.iterdir()] == ["candles.csv"]


def test_a_file_that_could_not_be_written_whole_is_not_touched(tmp_path):
    path = tmp_path / "candles.csv"
    path.write_text("old")
    with pytest.raises(AttributeError):
        write_candles(path, [WANTED[0], None])
    assert path.read_text() == "old"


def test_the_shipped_recording_is_whole():
    found = shipped_recording()
    assert len(found.candles) == 5000
    assert (found.candles[0].time, found.candles[-1].time) == (
        datetime(2017, 4, 19, 9, tzinfo=UTC),
        datetime(2018, 2, 7, 15, tzinfo=UTC),
    )


# ---- the calendar ----------------------------------------------------------------------------

RELEASES = """time,currency,impact,title,forecast
2017-06-14T18:00Z,USD,high,"Rates, and words",1.25 %
2017-06-08T13:45+02:00,EUR,medium,ECB,
"""


async def test_a_calendar_shows_a_day_back_and_a_week_ahead():
    made = CsvCalendar(RELEASES)
    seen = await made.around(datetime(2017, 6, 8, 12, tzinfo=UTC))
    assert [event.title for event in seen.events] == ["ECB", "Rates, and words"]
    assert seen.events[0].time == datetime(2017, 6, 8, 11, 45, tzinfo=UTC)
    assert seen.events[0].impact is Impact.MEDIUM
    assert seen.events[1].forecast == "1.25 %"
    assert seen.known_until == datetime(2017, 6, 14, 18, tzinfo=UTC)
    early = await made.around(datetime(2017, 6, 7, 17, 59, tzinfo=UTC))
    assert [event.title for event in early.events] == ["ECB"]
    late = await made.around(datetime(2017, 6, 9, 11, 46, tzinfo=UTC))
    assert [event.title for event in late.events] == ["Rates, and words"]


async def test_a_calendar_knows_nothing_beyond_its_last_release():
    made = CsvCalendar(RELEASES)
    last = datetime(2017, 6, 14, 18, tzinfo=UTC)
    assert await made.around(last) is not None
    assert await made.around(last + timedelta(seconds=1)) is None
    assert await CsvCalendar("time,currency,impact,title\n").around(last) is None


@pytest.mark.parametrize(
    "row",
    ["soon,USD,high,x", "2017-06-14T18:00,USD,high,x", "2017-06-14T18:00Z,USD,huge,x"],
)
def test_a_release_that_cannot_be_read_is_named_by_its_line(row):
    with pytest.raises(InvalidInput, match="calendar line 2"):
        CsvCalendar(f"time,currency,impact,title\n{row}\n")


async def test_the_shipped_calendar_belongs_to_the_shipped_recording():
    seen = await shipped_calendar().around(shipped_recording().candles[0].time)
    assert seen is not None
    assert {event.currency for event in seen.events} <= {"USD", "EUR"}
