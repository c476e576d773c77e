"""The other pictures of the chat, and the paper they share."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import Words
from bot.pictures import equity, exposure
from bot.pictures.canvas import SMALL, WIDTH, Canvas
from bot.pictures.equity import Equity, drawdowns, equity_chart, span
from bot.pictures.exposure import Exposed, Held, exposure_chart
from bot.pictures.places import steps
from bot.pictures.times import moments
from tests.pictures import ARABIC, RUSSIAN, check_places, letters, size, speak

ENGLISH = Words("en", "Europe/Madrid")
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LANGUAGES = ["en", "es", "ru", "ar"]

__all__ = ["letters"]


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    speak(monkeypatch, {"ru": RUSSIAN, "ar": ARABIC})


def curve(*values, every=timedelta(hours=4)):
    return tuple((START + number * every, Decimal(value)) for number, value in enumerate(values))


def account(*values, every=timedelta(hours=4), trades=()):
    return Equity(points=curve(*values, every=every), trades=tuple(trades), currency="EUR")


WAVES = [10_000 + 40 * number + 300 * (number % 11 - 5) for number in range(240)]
TRADES = [(START + number * timedelta(hours=30), Decimal(number % 3 - 1)) for number in range(30)]
ACCOUNTS = {
    "none": account(),
    "one": account(10_000),
    "two": account(10_000, 9_990),
    "flat": account(*[10_000] * 50),
    "a day": account(*WAVES[:20], every=timedelta(minutes=30)),
    "weeks": account(*WAVES, trades=TRADES),
    "years": account(*WAVES, every=timedelta(days=9)),
    "the same instant": account(10_000, 11_000, every=timedelta(0)),
    "lost": account(10_000, 5_000, 0, -250),
    "huge": account(*(value * 10**8 for value in WAVES)),
    "tiny": account("0.02", "0.01", "0.03"),
    "trades outside": account(
        *WAVES[:9], trades=[(START - timedelta(days=9), Decimal(1)), (START, Decimal(-1))]
    ),
    "thousands": account(*WAVES * 20, every=timedelta(minutes=5), trades=TRADES * 20),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ACCOUNTS)
def test_an_equity_curve_is_always_drawn_and_its_texts_stand_apart(name, language, letters):
    canvas = equity.paint(ACCOUNTS[name], Words(language, "Asia/Kathmandu"))
    check_places(canvas)
    assert min(letters) >= SMALL
    picture = canvas.png()
    assert size(picture) == (780, 640)
    assert len(picture) <= 100 * 1024


def test_an_equity_curve_is_the_same_bytes_each_time():
    drawn = {equity_chart(account(*WAVES, trades=TRADES), ENGLISH) for _ in range(3)}
    assert len(drawn) == 1


@pytest.mark.parametrize(
    "other",
    [
        account(*WAVES[:-1], 1, trades=TRADES),
        account(*WAVES, trades=TRADES[:-1]),
        account(*WAVES, trades=[(at, -profit) for at, profit in TRADES]),
    ],
)
def test_what_happened_can_be_seen(other):
    assert equity_chart(other, ENGLISH) != equity_chart(account(*WAVES, trades=TRADES), ENGLISH)


def test_drawdown_is_measured_from_the_highest_point_so_far():
    assert drawdowns(curve(100, 80, 200, 150, 210)) == [0, 20, 0, 25, 0]
    assert drawdowns(curve(-5, 0, -5)) == [0, 0, 0]


ROW = Held(name="EUR", long=Decimal(12_400), short=Decimal(0), limit=Decimal(20_000))
OPEN = {
    "nothing": Exposed(by_currency=(), by_symbol=(), currency="EUR"),
    "one": Exposed(by_currency=(ROW,), by_symbol=(), currency="EUR"),
    "both ways and over": Exposed(
        by_currency=(
            ROW,
            Held(name="USD", long=Decimal(0), short=Decimal(23_400), limit=Decimal(1)),
        ),
        by_symbol=(Held(name="EURUSD", long=Decimal(12_400), short=Decimal("0.07")),),
        currency="EUR",
    ),
    "nothing in it": Exposed(
        by_currency=(Held(name="JPY", long=Decimal(0), short=Decimal(0)),),
        by_symbol=(Held(name="XAUUSD", long=Decimal(0), short=Decimal(0), limit=Decimal(0)),),
        currency="EUR",
    ),
    "many": Exposed(
        by_currency=tuple(Held(name=f"C{n}", long=Decimal(n), short=Decimal(0)) for n in range(40)),
        by_symbol=tuple(Held(name=f"S{n}", long=Decimal(n), short=Decimal(n)) for n in range(40)),
        currency="EUR",
    ),
    "long names and sums": Exposed(
        by_currency=(Held(name="$S&P_500^$<b>" * 9, long=Decimal(10**12), short=Decimal(10**12),
                          limit=Decimal(10**13)),),
        by_symbol=(),
        currency="EUR",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", OPEN)
def test_exposure_is_always_drawn_and_its_texts_stand_apart(name, language, letters):
    canvas = exposure.paint(OPEN[name], Words(language))
    check_places(canvas)
    assert min(letters) >= SMALL
    width, height = size(canvas.png())
    assert width == 780
    assert 240 <= height <= 2000


def test_long_and_short_are_told_apart_without_colours():
    """The bar of a short is striped: along it the brightness changes."""

    def bar(held: Held):
        canvas = exposure.paint(Exposed(by_currency=(held,), by_symbol=(), currency="EUR"), ENGLISH)
        pixels = np.asarray(canvas.pen.buffer_rgba()).astype(int)[..., :3].sum(axis=2)
        return pixels[canvas.height - (240 - 95) : canvas.height - (240 - 160), 60:400]

    long = bar(Held(name="EUR", long=Decimal(9), short=Decimal(0), limit=Decimal(10)))
    short = bar(Held(name="EUR", long=Decimal(0), short=Decimal(9), limit=Decimal(10)))
    assert max(len(set(row)) for row in long) == 1
    assert max(len(set(row)) for row in short) > 1


def test_the_largest_are_kept_where_not_all_have_room():
    few, many = (
        Exposed(
            by_currency=tuple(
                Held(name=f"C{n}", long=Decimal(n), short=Decimal(0)) for n in range(first, 20)
            ),
            by_symbol=(),
            currency="EUR",
        )
        for first in (20 - exposure.ROWS, 0)
    )
    assert size(exposure_chart(few, ENGLISH)) == size(exposure_chart(many, ENGLISH))
    assert exposure_chart(few, ENGLISH) != exposure_chart(many, ENGLISH)  # how many more there are


def test_arabic_letters_are_joined_and_read_from_the_right():
    canvas = Canvas(100, Words("ar"), "يوليو")
    assert canvas.words.language == "ar"
    assert canvas.width("ببب", SMALL) < 0.7 * 3 * canvas.width("ب", SMALL)
    digit, label = (canvas._ink(text, SMALL).mask for text in ("1", "الهدف 1"))
    left = label[-digit.shape[0] - 8 :, : digit.shape[1]]
    assert left.sum() == pytest.approx(digit.sum(), rel=0.1)  # the number stands at the left end


def test_marks_of_direction_order_a_text_and_are_not_seen():
    canvas = Canvas(100, ENGLISH, "x")
    marked, plain = (canvas.width(text, SMALL) for text in ("\u2068EURUSD\u2069", "EURUSD"))
    assert marked == pytest.approx(plain, abs=3)  # a missing letter would be a box of a dozen


@pytest.mark.parametrize(("language", "own"), [("ru", True), ("ar", True), ("th", False)])
def test_a_language_without_letters_in_the_font_gets_english(language, own):
    words = Words(language)
    canvas = Canvas(100, words, words.time(START, "d MMMM"))
    assert (canvas.words.language == language) is own


@given(st.text(max_size=60), st.text(max_size=8), st.floats(0, 800))
def test_a_text_is_cut_to_its_room_and_keeps_its_tail(text, tail, room):
    canvas = Canvas(60, ENGLISH, "x")
    found, letter = canvas.fit(text, 30, room, tail)
    assert letter >= SMALL
    assert found.endswith(tail)
    assert canvas.width(found, letter) <= room or found in (tail, f"…{tail}")


@given(
    st.text(max_size=200), st.floats(-900, 900), st.floats(-900, 900), st.sampled_from([0, 0.5, 1])
)
def test_any_text_anywhere_stays_on_the_paper(text, x, y, align):
    canvas = Canvas(60, ENGLISH, "x")
    canvas.text(x, y, canvas.fit(text, 30, WIDTH)[0], SMALL, "#FFFFFF", align)
    for left, foot, right, head in canvas.taken:
        assert 0 <= left <= right <= WIDTH
        assert 0 <= foot <= head <= 60
    assert size(canvas.png()) == (780, 60)


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9), st.integers(2, 9))
def test_a_scale_has_round_steps_inside_its_range(low, length, most):
    high = low + length
    found, places = steps(low, high, most)
    assert len(found) <= most + 1
    tolerance = 1e-6 * (abs(low) + abs(high) + length)
    assert all(low - tolerance <= step <= high + tolerance for step in found)
    assert places >= 0


def test_a_scale_without_a_range_is_empty():
    assert steps(1.0, 1.0, 6) == ([], 0)
    assert steps(0.0, 1.0, 5) == ([0.0, 0.2, 0.4, pytest.approx(0.6), 0.8, 1.0], 1)


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (timedelta(hours=6), ["12:00", "14:00", "16:00"]),
        (timedelta(days=1), ["12:00", "18:00", "3 Mar", "06:00"]),
        (timedelta(days=3), ["3 Mar", "4 Mar", "5 Mar"]),
        (timedelta(days=25), ["9 Mar", "16 Mar", "23 Mar"]),
        (timedelta(days=100), ["Apr 2026", "May 2026", "Jun 2026"]),
        (timedelta(days=2800), ["2028", "2030", "2032"]),
    ],
)
def test_a_time_axis_has_round_moments_of_the_persons_zone(length, labels):
    assert [text for _, text in moments(START, START + length, ENGLISH, 4)] == labels


@given(st.timedeltas(timedelta(minutes=1), timedelta(days=20_000)), st.integers(1, 8))
def test_a_time_axis_is_never_crowded(length, most):
    found = moments(START, START + length, ENGLISH, most)
    assert len(found) <= most + 2
    assert all(START <= time <= START + length for time, _ in found)


def test_a_curve_of_one_day_names_it_once():
    words, noon = Words("de"), START.replace(hour=12)
    assert span(words, noon, noon + timedelta(hours=3)) == words.time(noon, "d MMM y")
    assert " – " in span(words, noon, noon + timedelta(days=1))
