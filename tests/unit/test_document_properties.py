"""Any rule document: no value does worse than a refusal, and what is written reads back."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from engine.domain.strategy import MarketState, Side
from engine.errors import InvalidInput
from engine.snapshot.canonical import canonical, plain, restore
from engine.strategies.documents import (
    parse,
    text,
)
from engine.strategies.problems import schema
from engine.strategies.rules import RULES
from tests.unit.test_documents import GOOD, ID, changed

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
PLACES = [
    *GOOD, "id", "is_active", "setup", "exit_rules.stop_loss", "exit_rules.take_profit.1",
    "entry_conditions.rsi_below", "entry_conditions.higher_timeframe_trend",
    "session_windows.0", "session_windows.0.start", "session_windows.0.zone",
    "forbidden_conditions.market_states", "risk_caps.max_lot_size",
]  # fmt: skip


@given(st.sampled_from(PLACES), values)
def test_no_value_in_any_place_does_worse_than_invalid_input(path, value):
    with suppress(InvalidInput):
        assert parse(ID, changed(path, value)).id == ID


@given(st.dictionaries(st.sampled_from(list(schema()["properties"])), values) | values)
def test_no_document_does_worse_than_invalid_input(made):
    with suppress(InvalidInput):
        parse(ID, json.dumps(made))


# ---- writing back ----------------------------------------------------------------------------

conditions = st.dictionaries(
    st.sampled_from(sorted(RULES)), st.none(), min_size=1, max_size=6
).flatmap(
    lambda names: st.fixed_dictionaries({name: st.sampled_from(arguments(name)) for name in names})
)


def arguments(name):
    """Arguments a condition takes on a chart of H1, as text, as numbers and as flags."""
    rule = RULES[name]
    if rule.longer:
        return [f"{frame} {value}" for frame in ("H4", "D1") for value in rule.words or ("40.50",)]
    if rule.words:
        return [True] if rule.words == ("true",) else list(rule.words)
    return [0, 0.5, "0.50"] if "probability" in name else [0, 40, 0.5, "45.50"]


clocks = st.times().map(lambda clock: f"{clock:%H:%M}")
windows = st.builds(
    lambda start, end, days, zone: (
        {"start": f"{start}Z", "end": f"{end}Z", "days": days}
        if zone is None
        else {"start": start, "end": end, "days": days, "zone": zone}
    ),
    clocks,
    clocks,
    st.lists(st.sampled_from(["Mon", "Wed", "Sun"]), min_size=1, unique=True),
    st.sampled_from([None, "UTC", "Europe/London", "America/New_York"]),
).filter(lambda window: window["start"] != window["end"])
levels = st.sampled_from(["swing_low - 5 pips", "2 * atr", "recent_swing_high + 50 cents", "vwap"])
targets = st.sampled_from(["RR>=2", "3 * atr", "key_resistance_zone", "bb_mid", "30 pips"])
far = st.sampled_from(["1 R", "2 * atr", "15 pips", "150 points", "50 cents"])
stages = far | st.just("first_target")
documents = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-zéЖ][A-Za-z0-9 _]{0,20}", fullmatch=True),
        "timeframe": st.just("H1"),
        "allowed_symbols": st.lists(
            st.sampled_from(["EURUSD", "XAUUSD", "US30.cash"]), min_size=1, unique=True
        ),
        "session_windows": st.lists(windows, min_size=1, max_size=3),
        "entry_conditions": conditions,
        "exit_rules": st.fixed_dictionaries(
            {
                "stop_loss": levels,
                "take_profit": targets | st.lists(targets, min_size=1, max_size=4),
            },
            optional={
                "time_limit_min": st.integers(1, 600),
                "break_even": st.fixed_dictionaries({"at": stages}, optional={"offset": far}),
                "trailing": st.fixed_dictionaries(
                    {"distance": far}, optional={"from": stages, "step": st.just("0.5 R")}
                ),
                "partial_close": st.lists(
                    st.fixed_dictionaries({"at": stages, "percent": st.integers(1, 99)}),
                    min_size=1,
                    max_size=5,
                ),
            },
        ),
        "forbidden_conditions": st.fixed_dictionaries(
            {
                "block_high_impact_news_minutes": st.integers(0, 60),
                "blocked_symbols_during_news": st.sampled_from([[], ["USD"], ["EUR", "USD"]]),
            },
            optional={"market_states": st.lists(st.sampled_from(list(MarketState)), unique=True)},
        ),
        "risk_caps": st.fixed_dictionaries(
            {
                "max_lot_size": st.integers(1, 10**12).map(lambda n: n / 10**8),
                "max_concurrent_positions": st.integers(1, 9),
            }
        ),
        "rr_expectation": st.integers(1, 10_000).map(lambda n: n / 100),
    },
    optional={
        "direction": st.sampled_from(list(Side)),
        "nice_to_have": conditions,
        "setup": st.just("mean_reversion"),
        "is_active": st.booleans(),
    },
)


@given(documents)
def test_a_strategy_that_is_written_reads_back_as_it_was(made):
    strategy = parse(ID, json.dumps(made), version=7)
    again = parse(ID, text(strategy), version=7, is_active=strategy.is_active)
    assert again == strategy
    assert text(again) == text(strategy)
    assert restore(type(strategy), json.loads(canonical(plain(strategy)))) == strategy
