"""Rule documents: those shipped load, and every mistake is refused in words that help."""

import json
from contextlib import suppress
from copy import deepcopy
from datetime import time
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.market import Timeframe
from engine.domain.strategy import Condition, Side
from engine.errors import InvalidInput
from engine.strategies.documents import SHIPPED, parse, shipped, strategy_id
from engine.strategies.rules import RULES

ID = strategy_id("test")
GOOD = {
    "name": "Test",
    "timeframe": "H1",
    "direction": "both",
    "allowed_symbols": ["EURUSD"],
    "session_windows": [{"start": "22:00Z", "end": "02:00Z", "days": ["Mon"]}],
    "entry_conditions": {"ema_trend": "with_trade", "rsi_below": 45.50},
    "nice_to_have": {"close_crosses_ema_20": True},
    "exit_rules": {"stop_loss": "2 * atr", "take_profit": ["RR>=2", "bb_mid"], "time_limit_min": 9},
    "forbidden_conditions": {
        "block_high_impact_news_minutes": 60,
        "blocked_symbols_during_news": ["USD"],
    },
    "risk_caps": {"max_lot_size": 0.1, "max_concurrent_positions": 2},
    "rr_expectation": 2.0,
}
MISSING = object()


def changed(path, value):
    """The good document with one value replaced, added or left out."""
    document = deepcopy(GOOD)
    *parents, last = path.split(".")
    place = document
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    if value is MISSING:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return json.dumps(document)


def refusal(text):
    with pytest.raises(InvalidInput) as caught:
        parse(ID, text)
    return caught.value


def test_the_shipped_documents_load_and_know_their_words():
    found = shipped()
    assert [strategy.id for strategy in found] == [strategy_id(slug) for slug in SHIPPED]
    for strategy in found:
        assert strategy.version == 1
        assert strategy.is_active
        assert {c.name for c in (*strategy.entry_conditions, *strategy.nice_to_have)} <= set(RULES)
    trend, pullback = found
    assert (trend.direction, pullback.direction) == (Side.BOTH, Side.BUY)
    assert trend.exit_rules.take_profit == pullback.exit_rules.take_profit == ("RR>=2",)


def test_a_document_becomes_a_strategy_with_every_digit():
    made = parse(ID, json.dumps(GOOD).replace("45.5", "45.50"), version=3, is_active=False)
    assert (made.id, made.version, made.is_active) == (ID, 3, False)
    assert made.timeframe is Timeframe.H1
    assert made.entry_conditions == (
        Condition("ema_trend", "with_trade"),
        Condition("rsi_below", "45.50"),
    )
    assert made.nice_to_have == (Condition("close_crosses_ema_20", "true"),)
    assert made.exit_rules.take_profit == ("RR>=2", "bb_mid")
    assert made.exit_rules.time_limit_min == 9
    assert made.risk_caps.max_lot_size == Decimal("0.1")
    assert made.rr_expectation == 2
    assert (made.session_windows[0].start, made.session_windows[0].end) == (time(22), time(2))


def test_nice_to_have_and_a_time_limit_may_be_left_out():
    assert parse(ID, changed("nice_to_have", MISSING)).nice_to_have == ()
    assert (
        parse(ID, changed("exit_rules.time_limit_min", MISSING)).exit_rules.time_limit_min is None
    )


def test_the_id_of_a_strategy_depends_on_its_name_alone():
    assert strategy_id("ema-trend") == uuid5(NAMESPACE_URL, "ai-trader:strategy:ema-trend")
    assert strategy_id("ema-trend") != strategy_id("pullback-buy")


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("name", "", "name"),
        ("name", "x" * 61, "name"),
        ("name", "<b>", "name"),
        ("name", 5, "name"),
        ("timeframe", "H2", "timeframe"),
        ("direction", "long", "direction"),
        ("allowed_symbols", [], "allowed_symbols"),
        ("allowed_symbols", ["EURUSD", "EURUSD"], "allowed_symbols"),
        ("allowed_symbols.0", "E", "allowed_symbols.0"),
        ("session_windows", [], "session_windows"),
        ("session_windows.0.start", "25:00Z", "session_windows.0.start"),
        ("session_windows.0.start", "22:00", "session_windows.0.start"),
        ("session_windows.0.days", ["Monday"], "session_windows.0.days.0"),
        ("entry_conditions", {}, "entry_conditions"),
        ("entry_conditions.rsi_below", None, "entry_conditions.rsi_below"),
        ("exit_rules.stop_loss", 5, "exit_rules.stop_loss"),
        ("exit_rules.take_profit", [], "exit_rules.take_profit"),
        ("exit_rules.time_limit_min", 0, "exit_rules.time_limit_min"),
        (
            "forbidden_conditions.block_high_impact_news_minutes",
            -1,
            "forbidden_conditions.block_high_impact_news_minutes",
        ),
        (
            "forbidden_conditions.blocked_symbols_during_news",
            ["usd"],
            "forbidden_conditions.blocked_symbols_during_news.0",
        ),
        ("risk_caps.max_lot_size", 0, "risk_caps.max_lot_size"),
        ("risk_caps.max_lot_size", "1", "risk_caps.max_lot_size"),
        ("risk_caps.max_concurrent_positions", 1.5, "risk_caps.max_concurrent_positions"),
        ("risk_caps.max_concurrent_positions", True, "risk_caps.max_concurrent_positions"),
        ("rr_expectation", 0, "rr_expectation"),
        ("rr_expectation", 101, "rr_expectation"),
    ],
)
def test_a_value_the_schema_refuses_is_named(path, value, field):
    problem = refusal(changed(path, value))
    assert problem.details["field"] == field
    assert str(problem).startswith(f"{field}: ")


@pytest.mark.parametrize("name", [n for n in GOOD if n != "nice_to_have"])
def test_a_part_that_is_missing_is_named(name):
    assert f"'{name}' is a required property" in str(refusal(changed(name, MISSING)))


@pytest.mark.parametrize("path", ["colour", "risk_caps.colour", "exit_rules.trailing_stop"])
def test_a_part_nobody_knows_is_refused(path):
    assert repr(path.split(".")[-1]) in str(refusal(changed(path, 1)))


def test_a_name_written_twice_is_refused():
    text = json.dumps(GOOD).replace('"name": "Test"', '"name": "Test", "name": "Other"')
    assert "'name' is written twice" in str(refusal(text))


def test_a_condition_written_twice_is_refused():
    text = json.dumps(GOOD).replace('"rsi_below"', '"rsi_below": 30, "rsi_below"')
    assert "'rsi_below' is written twice" in str(refusal(text))


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_refused(constant):
    text = json.dumps(GOOD).replace('"rr_expectation": 2.0', f'"rr_expectation": {constant}')
    assert f"{constant} is not a number a strategy can use" in str(refusal(text))


@pytest.mark.parametrize("section", ["entry_conditions", "nice_to_have"])
def test_a_condition_nobody_knows_is_refused_with_those_there_are(section):
    message = str(refusal(changed(section, {"moon_phase": "full"})))
    assert message.startswith(f"{section}.moon_phase is not a known condition")
    assert all(name in message for name in RULES)


@pytest.mark.parametrize(
    ("name", "argument", "words"),
    [
        ("rsi_below", "low", "plain number"),
        ("rsi_below", True, "plain number"),
        ("ema_trend", "up", "must be one of bullish, bearish, with_trade"),
        ("close_crosses_ema_20", False, "must be one of true"),
        ("adx_above", 1e20, "plain number"),
    ],
)
def test_an_argument_a_condition_cannot_use_is_refused(name, argument, words):
    problem = refusal(changed("entry_conditions", {name: argument}))
    assert str(problem).startswith(f"entry_conditions.{name}: ")
    assert words in str(problem)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("exit_rules.stop_loss", "two atr", "cannot read 'two atr' as a stop"),
        ("exit_rules.stop_loss", "RR>=2", "cannot read 'RR>=2' as a stop"),
        ("exit_rules.take_profit", "far", "cannot read 'far' as a target"),
        ("exit_rules.take_profit", ["RR>=2", "far"], "cannot read 'far' as a target"),
    ],
)
def test_an_exit_that_cannot_be_read_is_refused(path, value, words):
    assert f"exit_rules: {words}" in str(refusal(changed(path, value)))


def test_a_session_that_starts_and_ends_in_one_minute_is_refused():
    message = str(refusal(changed("session_windows.0.end", "22:00Z")))
    assert message == "session_windows.0: start and end are the same minute"


@pytest.mark.parametrize("text", ["", "{", "[1,", "nul", "'name'", "[" * 60_000])
def test_what_is_not_json_is_refused(text):
    assert str(refusal(text)).startswith("the document is not JSON: ")


@pytest.mark.parametrize("text", ["null", "5", "[]", '"name"'])
def test_json_that_is_no_document_is_refused(text):
    assert "is not of type 'object'" in str(refusal(text))


def test_a_document_that_is_far_too_long_is_refused():
    assert "longer than 64,000" in str(refusal(" " * 64_001))
    assert parse(ID, json.dumps(GOOD) + " " * 60_000).name == "Test"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from([*GOOD, "exit_rules.stop_loss", "entry_conditions.rsi_below"]), values)
def test_no_value_in_any_place_does_worse_than_invalid_input(path, value):
    with suppress(InvalidInput):
        assert parse(ID, changed(path, value)).id == ID
