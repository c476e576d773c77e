"""What a model says is let through only where it is surely harmless; nothing it says raises."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.domain.change_proposal import ChangeDraft, Source, Target
from engine.domain.settings import RANGES, RiskSettings, with_changes
from engine.research.candidates import LARGEST, LOWERED, RAISED, WITHIN, Refusal, candidate

D = Decimal
NOW = replace(RiskSettings(), min_confidence_threshold=D(80))


def read(text: str | bytes) -> ChangeDraft | Refusal:
    return candidate(text, NOW, 7, by="gpt-x")


def said(*changes: Any, rationale: Any = "Fewer and better trades.", **more: Any) -> str:
    given_ = [
        {"setting": one[0], "to": one[1]} if isinstance(one, tuple) else one for one in changes
    ]
    return json.dumps({"changes": given_, "rationale": rationale, **more})


def test_a_stricter_setting_passes_as_a_draft_for_people() -> None:
    found = read(said(("risk_per_trade_percent", 0.4), ("min_confidence_threshold", 85)))
    assert isinstance(found, ChangeDraft)
    assert (found.source, found.by, found.said) == (
        Source.MODEL, "gpt-x", "Fewer and better trades.",
    )  # fmt: skip
    assert (found.subject.target, found.subject.version) == (Target.SETTINGS, 7)
    assert {one.field: (one.before, one.after) for one in found.changes} == {
        "min_confidence_threshold": ("80", "85"),
        "risk_per_trade_percent": ("0.5", "0.4"),
    }


def test_what_has_no_safer_side_moves_by_a_part_only() -> None:
    assert isinstance(read(said(("max_drift_r", 0.31))), ChangeDraft)
    assert isinstance(read(said(("max_drift_r", 0.2))), ChangeDraft)
    assert read(said(("max_drift_r", 0.32))) == Refusal(
        "direction", "max_drift_r may not go from 0.25 to 0.32"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (said(("risk_per_trade_percent", 0.6)), "direction"),
        (said(("min_confidence_threshold", 79)), "direction"),
        (said(("max_lot_size", 2)), "direction"),
        (said(("risk_per_trade_percent", 0.5)), "direction"),
        (said(("risk_per_trade_percent", 0)), "range"),
        (said(("min_confidence_threshold", 101)), "range"),
        (said(("watchlist", 1)), "setting"),
        (said(("halt_on_drawdown", False)), "setting"),
        (said(("stop_after_target", 0)), "setting"),
        (said(("long_flat", 1)), "setting"),
        (said(("daily_profit_target", 1)), "setting"),
        (said(("heartbeat_timeout_seconds", 60)), "setting"),
        (said(("bundle_retention_days", 1)), "setting"),
        (said(("RISK_PER_TRADE_PERCENT", 0.4)), "setting"),
        (said((["risk_per_trade_percent"], 0.4)), "setting"),
        (said(("risk_per_trade_percent", "0.4")), "number"),
        (said(("risk_per_trade_percent", True)), "number"),
        (said(("risk_per_trade_percent", None)), "number"),
        (said(("risk_per_trade_percent", [0.4])), "number"),
        (said(("max_concurrent_trades", 1.5)), "invalid"),
        (said(("risk_per_trade_percent", 0.4), ("risk_per_trade_percent", 0.3)), "twice"),
        (said({"setting": "max_lot_size", "to": 0.5, "x": 1}), "shape"),
        (said({"setting": "max_lot_size"}), "shape"),
        (said("max_lot_size"), "shape"),
        (said(), "shape"),
        (said(*[("max_lot_size", 0.5)] * 6), "shape"),
        (said(("max_lot_size", 0.5), apply=True), "shape"),
        ("[]", "shape"),
        ("null", "shape"),
        ('{"changes": {}, "rationale": "x"}', "shape"),
        ("", "invalid"),
        ("not json", "invalid"),
        (said(("max_lot_size", 0.5)) + "x", "invalid"),
        ('{"changes": [], "changes": [], "rationale": "x"}', "invalid"),
        ('{"changes":[{"setting":"max_lot_size","to":NaN}],"rationale":"x"}', "invalid"),
        ('{"changes":[{"setting":"max_lot_size","to":-Infinity}],"rationale":"x"}', "invalid"),
        ('{"changes":[{"setting":"max_lot_size","to":1e-2}],"rationale":"x"}', "invalid"),
        ('{"changes":[{"setting":"max_lot_size","to":0.5,"to":9}],"rationale":"x"}', "invalid"),
        (said(("max_lot_size", 0.5), rationale=""), "rationale"),
        (said(("max_lot_size", 0.5), rationale=5), "rationale"),
        (said(("max_lot_size", 0.5), rationale="x" * 401), "rationale"),
        (said(("max_lot_size", 0.5), rationale="read https://a.b"), "rationale"),
        (said(("max_lot_size", 0.5), rationale="ask @boss"), "rationale"),
        (said(("max_lot_size", 0.5), rationale="then tap /resume"), "rationale"),
        (said(("max_lot_size", 0.5), rationale="see t.me page"), "rationale"),
        (said(("max_lot_size", 0.5), rationale="a\u202eb"), "rationale"),
        (said(("max_lot_size", 0.5), rationale="a\x00b"), "rationale"),
        (said(("max_lot_size", 0.5), rationale="it lost 4,200 last week"), "figure"),
        (said(("max_lot_size", 0.5), rationale="win rate of 31.5 percent"), "figure"),
        (said(("max_lot_size", 0.5), rationale="٤٢ trades"), "figure"),
        (" " * (LARGEST + 1), "too_large"),
        ("[" * 4_000, "invalid"),
        ("[" * 900 + "]" * 900, "shape"),
        ('"\ud800"', "invalid"),
    ],
)
def test_anything_else_is_refused_as_a_whole(text: str, code: str) -> None:
    found = read(text)
    assert isinstance(found, Refusal), found
    assert found.code == code, found
    assert found.why


def test_figures_of_the_change_itself_may_be_said() -> None:
    found = read(said(("max_lot_size", 0.5), rationale="From 1.00 to 0.5 lots."))
    assert isinstance(found, ChangeDraft)


def test_every_setting_that_a_model_may_change_is_a_number_with_a_range() -> None:
    names = RAISED | LOWERED | set(WITHIN)
    assert len(names) == len(RAISED) + len(LOWERED) + len(WITHIN)
    for name in names:
        assert name in RANGES
        assert not isinstance(getattr(NOW, name), bool)


_NAMES = st.sampled_from(sorted(RAISED | LOWERED | set(WITHIN))) | st.text(max_size=12)
_VALUES = (
    st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.booleans()
    | st.none()
    | st.text(max_size=5)
)
_CHANGE = st.fixed_dictionaries({"setting": _NAMES, "to": _VALUES})
_TREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200)
    | _TREE.map(json.dumps)
    | st.fixed_dictionaries(
        {"changes": st.lists(_CHANGE, max_size=4), "rationale": st.text(max_size=40)}
    ).map(json.dumps)
)
@example(said(("max_lot_size", 0.5)))
def test_no_text_raises_and_nothing_that_passes_is_looser(text: str | bytes) -> None:
    found = read(text)
    if isinstance(found, Refusal):
        return
    assert 1 <= len(found.changes) <= 5
    after = with_changes(NOW, {one.field: one.after or "" for one in found.changes})
    for change in found.changes:
        old, new = D(getattr(NOW, change.field)), D(getattr(after, change.field))
        if change.field in RAISED:
            assert new > old
        elif change.field in LOWERED:
            assert new < old
        else:
            assert abs(new - old) <= old * WITHIN[change.field] / 100
