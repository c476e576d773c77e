"""Rule documents: those shipped load, and every mistake is refused in words that help."""

import json
from copy import deepcopy
from datetime import time
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

import pytest

from engine.domain.market import Timeframe
from engine.domain.strategy import Condition, MarketState, Side
from engine.errors import InvalidInput
from engine.strategies.documents import (
    SHIPPED,
    document,
    parse,
    shipped,
    slug,
    strategy_id,
    text,
)
from engine.strategies.problems import schema
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
#: Source 004, section 6.3, letter by letter.
GOLD = """
  {
    "id": "54d3...",
    "name": "Gold Pullback Buy",
    "is_active": true,
    "allowed_symbols": ["XAUUSD"],
    "session_windows": [
      { "start":"07:00Z","end":"11:00Z","days":["Mon","Tue","Wed","Thu","Fri"] }
    ],
    "entry_conditions": {
      "trend_alignment": "bullish",
      "rsi_below": 40,
      "price_rejects_level": true
    },
    "exit_rules": {
      "stop_loss": "recent_swing_low - 50 cents",
      "take_profit": ["RR>=2", "key_resistance_zone"]
    },
    "forbidden_conditions": {
      "block_high_impact_news_minutes": 5,
      "blocked_symbols_during_news": ["USD"]
    },
    "risk_caps": {
      "max_lot_size": 1.0,
      "max_concurrent_positions": 2
    },
    "rr_expectation": 2.0
  }
"""


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


def refusal(spoiled):
    with pytest.raises(InvalidInput) as caught:
        parse(ID, spoiled)
    return caught.value


def test_the_shipped_documents_load_and_know_their_words():
    found = shipped()
    assert [strategy.id for strategy in found] == [strategy_id(slug) for slug in SHIPPED]
    for strategy in found:
        assert strategy.version == 1
        # Without an approved model it has nothing to say.
        assert strategy.is_active is (strategy.setup != "forest")
        assert {c.name for c in (*strategy.entry_conditions, *strategy.nice_to_have)} <= set(RULES)
        assert slug(strategy.name) == slug_of(strategy)
    trend, pullback = found[:2]
    assert (trend.direction, pullback.direction) == (Side.BOTH, Side.BUY)
    assert trend.exit_rules.take_profit == pullback.exit_rules.take_profit == ("RR>=2",)
    markets = {s.name: (s.allowed_symbols, s.timeframe, s.direction) for s in found}
    assert markets["EMA trend M15"] == (("EURUSD",), Timeframe.M15, Side.BOTH)
    assert markets["trend_ema"] == (("BTCUSDT",), Timeframe.H1, Side.BUY)
    assert markets["trend_ema_fast"] == (("BTCUSDT",), Timeframe.M15, Side.BUY)
    assert markets["Mean reversion scalp"] == (("EURUSD", "GBPUSD"), Timeframe.M5, Side.BOTH)


def slug_of(strategy):
    return next(name for name in SHIPPED if strategy_id(name) == strategy.id)


def test_the_example_of_source_004_is_a_document_as_it_stands():
    made = parse(ID, GOLD)
    assert (made.timeframe, made.direction) == (Timeframe.M15, Side.BUY)
    assert made.is_active
    assert made.forbidden_conditions.market_states == (MarketState.CHAOTIC, MarketState.DEAD)
    ours = next(strategy for strategy in shipped() if strategy.name == made.name)
    assert document(ours) == document(made)


def test_a_document_may_say_whether_it_is_on():
    assert not parse(ID, GOLD.replace("true,", "false,", 1)).is_active
    assert parse(ID, changed("is_active", True), is_active=False).is_active
    assert not parse(ID, json.dumps(GOOD), is_active=False).is_active


@pytest.mark.parametrize(
    ("stop", "side"),
    [("swing_low - 5 pips", "buy"), ("recent_swing_high", "sell"), ("2 * atr", "both")],
)
def test_a_direction_that_is_left_out_is_the_one_the_stop_implies(stop, side):
    made = json.loads(changed("direction", MISSING))
    made["exit_rules"]["stop_loss"] = stop
    assert parse(ID, json.dumps(made)).direction is Side(side)
    made["direction"] = "both"
    assert parse(ID, json.dumps(made)).direction is Side.BOTH


def test_a_window_may_follow_the_clock_of_its_zone():
    window = {"start": "08:00", "end": "16:30", "days": ["Mon"], "zone": "Europe/London"}
    made = parse(ID, changed("session_windows.0", window)).session_windows[0]
    assert (made.start, made.end, made.zone) == (time(8), time(16, 30), "Europe/London")
    universal = {"start": "08:00", "end": "16:30", "days": ["Mon"], "zone": "UTC"}
    written = document(parse(ID, changed("session_windows.0", universal)))["session_windows"]
    assert written == [{"start": "08:00Z", "end": "16:30Z", "days": ["Mon"]}]


def test_a_setup_in_python_may_stand_alone_or_beside_conditions():
    beside = json.loads(changed("setup", "mean_reversion"))
    assert parse(ID, json.dumps(beside)).setup == "mean_reversion"
    for alone in ({**beside, "entry_conditions": {}}, {**beside}):
        del alone["entry_conditions"]
        assert parse(ID, json.dumps(alone)).entry_conditions == ()


def test_a_setup_nobody_has_is_refused_with_those_there_are():
    problem = refusal(changed("setup", "moon"))
    assert problem.details["field"] == "setup"
    assert str(problem) == 'setup is "moon"; there are: forest, mean_reversion'


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
        ("session_windows.0.zone", "Mars/Olympus", "session_windows.0.zone"),
        ("session_windows.0.zone", "Europe/London", "session_windows.0.start"),
        ("forbidden_conditions.market_states", ["calm"], "forbidden_conditions.market_states.0"),
        ("is_active", "yes", "is_active"),
        ("risk_caps.max_lot_size", 0.123456789, "risk_caps.max_lot_size"),
        ("rr_expectation", 1.125, "rr_expectation"),
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
    assert str(problem).startswith(f"{field} is ")
    assert "; write " in str(problem)


@pytest.mark.parametrize(
    "path",
    [
        *(name for name in GOOD if name not in ("nice_to_have", "timeframe", "direction")),
        "exit_rules.stop_loss", "session_windows.0.end", "risk_caps.max_lot_size",
    ],
)  # fmt: skip
def test_a_part_that_is_missing_is_named_with_what_to_write(path):
    assert str(refusal(changed(path, MISSING))).startswith(f"{path} is missing; write ")


@pytest.mark.parametrize("path", ["colour", "risk_caps.colour", "exit_rules.trailing_stop"])
def test_a_part_nobody_knows_is_refused_with_those_there_are(path):
    message = str(refusal(changed(path, 1)))
    assert message.startswith(f"{path} is no field; there are: ")
    assert message.endswith(("rr_expectation", "max_concurrent_positions", "time_limit_min"))


def test_every_mistake_is_told_at_once_and_the_first_is_the_message():
    made = json.loads(changed("name", MISSING))
    made["colour"] = made["rr_expectation"] = "red"
    made["exit_rules"] = {"take_profit": ["RR>=2", "far"], "stop_loss": "near"}
    made["entry_conditions"] = {"rsi_below": "low", "moon": 1}
    problem = refusal(json.dumps(made))
    told = problem.details["errors"]
    assert [error["field"] for error in told] == [
        "colour", "name", "entry_conditions.moon", "entry_conditions.rsi_below",
        "exit_rules.stop_loss", "exit_rules.take_profit.1", "rr_expectation",
    ]  # fmt: skip
    assert str(problem) == told[0]["message"]
    assert all(error["message"].startswith(error["field"] + " ") for error in told)
    for wording in ("required property", "is not of type", "does not match", "None of", "Decimal"):
        assert not any(wording in error["message"] for error in told)


def test_a_part_with_the_wrong_shape_is_told_once():
    (error,) = refusal(changed("exit_rules", "RR>=2")).details["errors"]
    assert error["message"] == (
        'exit_rules is "RR>=2"; write an object with stop_loss, take_profit and perhaps'
        " break_even, trailing, partial_close and time_limit_min"
    )


def described(part, path=""):
    """Every part of the schema that a message may be about, with its description."""
    yield path, part.get("description")
    for name, inner in part.get("properties", {}).items():
        yield from described(inner, f"{path}.{name}".lstrip("."))
    for word in ("items", "additionalProperties"):
        if isinstance(part.get(word), dict):
            yield from described(part[word], f"{path}.{word}")


def test_the_schema_says_of_every_part_what_would_be_right():
    parts = dict(described(schema())) | dict(described(schema()["$defs"]["conditions"], "$defs"))
    assert len(parts) > 30
    assert [path for path, words in parts.items() if not words] == []


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
    assert message.startswith(f"{section}.moon_phase is no condition; there are: ")
    assert all(name in message for name in RULES)


@pytest.mark.parametrize(
    ("name", "argument", "words"),
    [
        ("rsi_below", "low", "plain number"),
        ("rsi_below", True, "plain number"),
        ("ema_trend", "up", 'is "up"; write bullish or bearish or with_trade'),
        ("close_crosses_ema_20", False, 'is "false"; write true'),
        ("adx_above", 1e20, "plain number"),
        ("higher_timeframe_trend", "bullish", "a longer timeframe and bullish or"),
        ("higher_timeframe_trend", "M15 bullish", "longer than H1"),
        ("higher_timeframe_trend", "H1 bullish", "longer than H1"),
        ("higher_timeframe_rsi_below", "H4", "such as 'H4 30'"),
        ("rsi_below", 4000, "is 4000; write a number from 0 to 100"),
        ("rsi_above", -3, "is -3; write a number from 0 to 100"),
        ("higher_timeframe_rsi_above", "H4 100.5", "is H4 100.5; write a number from 0 to 100"),
        ("adx_above", 250, "a number from 0 to 100"),
        ("model_probability_above", 55, "is 55; write a number from 0 to 1"),
    ],
)
def test_an_argument_a_condition_cannot_use_is_refused(name, argument, words):
    problem = refusal(changed("entry_conditions", {name: argument}))
    assert problem.details["field"] == f"entry_conditions.{name}"
    assert words in str(problem)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("exit_rules.stop_loss", "two atr", "cannot read 'two atr' as a stop"),
        ("exit_rules.stop_loss", "RR>=2", "cannot read 'RR>=2' as a stop"),
        ("exit_rules.take_profit", "far", "cannot read 'far' as a target"),
        ("exit_rules.take_profit", ["RR>=2", "far"], "cannot read 'far' as a target"),
        ("exit_rules.stop_loss", "0 pips", "is '0 pips', at the entry itself; write '2 * atr'"),
        ("exit_rules.stop_loss", "0.0 * atr", "is '0.0 * atr', at the entry itself"),
        ("exit_rules.take_profit", ["RR>=2", "RR>=0"], "is 'RR>=0', at the entry itself"),
    ],
)
def test_an_exit_that_cannot_be_read_is_refused(path, value, words):
    message = str(refusal(changed(path, value)))
    place = path if isinstance(value, str) else f"{path}.1"
    assert message.startswith(f"{place} {words}")


@pytest.mark.parametrize("symbol", ["EURUSD+", "XAUUSD.r", "EURUSDm", "US500", "BTC-USD", "#AAPL"])
def test_a_strategy_names_symbols_as_venues_write_them(symbol):
    assert parse(ID, changed("allowed_symbols", [symbol])).allowed_symbols == (symbol,)


def test_a_session_that_starts_and_ends_in_one_minute_is_refused():
    message = str(refusal(changed("session_windows.0.end", "22:00Z")))
    assert message == 'session_windows.0.end is "22:00Z", as the start; write another minute'


@pytest.mark.parametrize("text", ["", "{", "[1,", "nul", "'name'", "[" * 60_000])
def test_what_is_not_json_is_refused(text):
    assert str(refusal(text)).startswith("the document is not JSON: ")


@pytest.mark.parametrize("text", ["null", "5", "[]", '"name"'])
def test_json_that_is_no_document_is_refused(text):
    assert "write a JSON object with the fields of a strategy" in str(refusal(text))


def test_a_document_that_is_far_too_long_is_refused():
    assert "longer than 64,000" in str(refusal(" " * 64_001))
    assert parse(ID, json.dumps(GOOD) + " " * 60_000).name == "Test"


def test_a_document_nested_beyond_reason_is_refused():
    for depth in (300, 900, 5000):
        deep = "[" * depth + "]" * depth
        spoiled = changed("allowed_symbols", "DEEP").replace('"DEEP"', f"[{deep}, {deep}]")
        assert refusal(spoiled)


@pytest.mark.parametrize("strategy", shipped(), ids=lambda strategy: strategy.name)
def test_a_shipped_strategy_is_written_as_its_file_says(strategy):
    assert parse(strategy.id, text(strategy), is_active=strategy.is_active) == strategy
    assert "is_active" not in document(strategy)
    assert '"days": ["Mon", "Tue", "Wed", "Thu", "Fri"' in text(strategy)
