"""Numbers, instants and what a market shows: nothing doubtful gets in."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.instruments import instrument
from engine.domain.account import Account, TradingDay
from engine.domain.market import Candle, Quote, Timeframe
from engine.domain.settings import RANGES, RiskSettings
from engine.domain.values import LIMIT, bounded, decimal, from_float, quantize, utc
from engine.errors import InvalidInput, NotFound
from tests.builders import NOW, account, candle, day, quote


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"), ("12", "12"), ("-0.5", "-0.5"), ("1.10", "1.10"), ("007", "7"),
        (12, "12"), (-3, "-3"), (Decimal("1.500"), "1.500"), ("1000000000000", "1000000000000"),
    ],
)  # fmt: skip
def test_a_plain_number_is_read_with_every_digit(text, number):
    assert str(decimal(text)) == number


@pytest.mark.parametrize(
    "text",
    [
        "", " ", " 1 ", "1 ", "1\n", "+1", "1_000", "1,5", "1.", ".5", "1e3", "1e400", "0x10",
        "NaN", "sNaN", "Infinity", "-Infinity", "inf", "--1", "1.2.3", "9" * 19, "0." + "1" * 13,
        "1000000000001", "999999999999999999",
    ],
)  # fmt: skip
def test_anything_but_plain_notation_is_refused(text):
    with pytest.raises(InvalidInput, match="price"):
        decimal(text, field="price")


@pytest.mark.parametrize("value", [1.5, 0.1, float("nan"), True, False, None, b"1", [1]])
def test_a_number_of_another_type_is_refused(value):
    with pytest.raises(InvalidInput, match="written in digits"):
        decimal(value)


@pytest.mark.parametrize(
    "number", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")]
)
def test_a_decimal_that_is_not_finite_is_refused(number):
    with pytest.raises(InvalidInput, match="finite"):
        decimal(number)


def test_a_number_is_bounded_at_a_million_million_exactly():
    assert bounded(LIMIT) == LIMIT
    assert bounded(-LIMIT) == -LIMIT
    for number in (LIMIT + 1, -LIMIT - 1, Decimal("1e400"), Decimal(10**400)):
        with pytest.raises(InvalidInput):
            bounded(number)
    with pytest.raises(InvalidInput):
        decimal(10**400)


@given(st.text(max_size=30))
def test_text_is_either_a_finite_number_or_invalid_input(text):
    try:
        number = decimal(text)
    except InvalidInput:
        return
    assert number.is_finite()
    assert abs(number) <= LIMIT


@given(st.decimals(min_value=-LIMIT, max_value=LIMIT, places=8))
def test_a_number_written_plainly_reads_back_as_itself(number):
    assert decimal(f"{number:f}") == number


def test_the_refused_field_is_named_in_the_details():
    with pytest.raises(InvalidInput) as caught:
        decimal("abc", field="volume")
    assert caught.value.details == {"field": "volume"}


def test_rounding_goes_to_even_and_keeps_the_digits():
    assert str(quantize(Decimal("1.125"), 2)) == "1.12"
    assert str(quantize(Decimal("1.135"), 2)) == "1.14"
    assert str(quantize(Decimal(1), 3)) == "1.000"
    assert str(from_float(0.1 + 0.2, 5)) == "0.30000"


def test_an_instant_is_turned_into_utc():
    madrid = datetime(2026, 1, 31, 10, 0, tzinfo=timezone(timedelta(hours=1)))
    assert utc(madrid) == datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
    assert utc(madrid).utcoffset() == timedelta(0)


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(InvalidInput, match="opened has no time zone"):
        utc(datetime(2026, 1, 31, 10, 0), field="opened")  # noqa: DTZ001


prices = st.decimals(min_value="0.00001", max_value=100_000, places=5)


@given(st.lists(prices, min_size=4, max_size=4), st.integers(0, 2**63 - 1))
def test_a_candle_holds_whenever_its_high_and_low_enclose_it(numbers, volume):
    low, one, two, high = sorted(numbers)
    made = Candle(NOW, one, high, low, two, volume)
    assert made.low <= min(made.open, made.close) <= max(made.open, made.close) <= made.high


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"high": "1.09990"}, "high"),
        ({"high": "1.09900"}, "high"),
        ({"low": "1.10010"}, "low"),
        ({"open": "0"}, "open must be above zero"),
        ({"close": "-1"}, "close must be above zero"),
        ({"low": "NaN"}, "low must be finite"),
        ({"high": "Infinity"}, "high must be finite"),
        ({"volume": -1}, "volume"),
        ({"volume": 2**63}, "volume"),
    ],
)
def test_a_candle_that_cannot_be_is_refused_by_field(values, named):
    with pytest.raises(InvalidInput, match=named):
        candle(**values)


def test_a_candle_needs_a_time_zone():
    with pytest.raises(InvalidInput, match="candle time"):
        candle(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_quote_may_have_no_spread_but_not_a_negative_one():
    assert quote("1.10000", "1.10000").spread == 0
    assert quote("1.10000", "1.10008").spread == Decimal("0.00008")
    with pytest.raises(InvalidInput, match="do not make a quote"):
        quote("1.10001", "1.10000")


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), ("-1", "1"), ("NaN", "1"), ("1", "NaN")])
def test_a_quote_without_two_real_prices_is_refused(bid, ask):
    with pytest.raises(InvalidInput):
        quote(bid, ask)


def test_a_quote_needs_a_time_zone():
    with pytest.raises(InvalidInput, match="quote time"):
        Quote(Decimal(1), Decimal(1), datetime(2026, 1, 1))  # noqa: DTZ001


def test_timeframes_last_as_long_as_their_names_say():
    minutes = {t: t.length / timedelta(minutes=1) for t in Timeframe}
    assert minutes == {"M1": 1, "M5": 5, "M15": 15, "M30": 30, "H1": 60, "H4": 240, "D1": 1440}


@pytest.mark.parametrize(
    ("symbol", "pip", "digits", "contract"),
    [
        ("EURUSD", "0.0001", 5, 100_000),
        ("USDJPY", "0.01", 3, 100_000),
        ("XAUUSD", "0.1", 2, 100),
        ("XAGUSD", "0.01", 3, 5_000),
        ("BTCUSDT", "1", 2, 1),
        ("ETHUSDT", "0.1", 2, 1),
    ],
)
def test_instruments_are_specified_as_a_retail_broker_does(symbol, pip, digits, contract):
    spec = instrument(symbol)
    assert (spec.pip, spec.digits, spec.contract_size) == (Decimal(pip), digits, contract)
    assert spec.currencies == {symbol[:3], symbol[3:]}
    assert spec.pips(spec.pip * 3) == 3


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [
        ("US500", "USD"), ("US30", "USD"), ("NAS100", "USD"),
        ("GER40", "EUR"), ("UK100", "GBP"), ("JP225", "JPY"),
    ],
)  # fmt: skip
def test_an_index_is_counted_in_points_of_its_countrys_currency(symbol, currency):
    spec = instrument(symbol)
    assert (spec.base, spec.quote, spec.pip, spec.contract_size) == (symbol, currency, 1, 1)


def test_a_coin_is_bought_with_the_whole_of_its_value():
    spec = instrument("BTCUSDT")
    assert spec.margin_rate == 1
    assert spec.volume_min == spec.volume_step == Decimal("0.00001")


@pytest.mark.parametrize("symbol", ["", "EUR", "EUREUR", "EURXXX", "EURUSDX", "BTCUSD", "eurusd"])
def test_a_symbol_without_a_specification_is_not_guessed(symbol):
    with pytest.raises(NotFound):
        instrument(symbol)


@pytest.mark.parametrize("name", ["balance", "equity", "margin_used", "margin_free", "open_profit"])
@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "1e13"])
def test_an_account_refuses_an_amount_that_is_no_amount(name, wrong):
    with pytest.raises(InvalidInput, match=name):
        account(**{name: wrong})


def test_a_day_counts_loss_in_percent_and_the_fall_from_its_best():
    seen = day(start="10000", peak="10500")
    assert seen.profit(Decimal(9800)) == -200
    assert seen.loss_percent(Decimal(9800)) == 2
    assert seen.loss_percent(Decimal(10200)) == 0
    assert seen.drawdown(Decimal(9800)) == 700
    assert seen.drawdown(Decimal(10600)) == 0


@given(st.decimals(0, 10**6, places=2), st.decimals(1, 10**6, places=2))
def test_loss_and_drawdown_are_never_negative(equity, start):
    seen = TradingDay(
        account_id="a", day=date(2026, 1, 1), start_equity=start, peak_equity=start + 5
    )
    assert seen.loss_percent(equity) >= 0
    assert seen.drawdown(equity) >= 0


@pytest.mark.parametrize("name", sorted(RANGES))
def test_every_risk_setting_holds_at_both_ends_of_its_range_and_not_beyond(name):
    low, high = RANGES[name]
    whole = isinstance(getattr(RiskSettings(), name), int)
    kind, step = (int, 1) if whole else (Decimal, Decimal("0.0001"))
    for inside in (low, high):
        assert getattr(RiskSettings(**{name: kind(inside)}), name) == inside
    for outside in (low - step, high + step):
        with pytest.raises(InvalidInput, match=f"{name} must be between"):
            RiskSettings(**{name: kind(outside)})


def test_a_risk_setting_that_is_no_number_is_refused():
    for wrong in ("NaN", "Infinity"):
        with pytest.raises(InvalidInput, match="max_lot_size"):
            RiskSettings(max_lot_size=Decimal(wrong))


def test_an_account_is_built_of_exact_amounts():
    seen = account(equity="9999.99")
    assert isinstance(seen, Account)
    assert str(seen.equity) == "9999.99"
