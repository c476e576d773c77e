"""The snapshot of a decision as JSON, held against the example of source 004 §6.5."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.views.snapshot import replay_document, snapshot_document
from engine.domain.gate import Check
from engine.domain.snapshot import Impact
from engine.flow.replay import Replay
from tests.builders import (
    account,
    bundle,
    calendar,
    candle,
    case,
    decision,
    indicators,
    outcome,
    position,
    release,
)
from tests.models import prediction

SOURCE = json.loads("""
{
  "market": {
    "symbol": "XAUUSD",
    "timeframe": "M15",
    "price": {"open": 2383.10, "high": 2386.00, "low": 2382.90, "close": 2385.20},
    "indicators": {"rsi_14": 38.2, "atr": 2.3}
  },
  "calendar": [
    {
      "event_time": "2025-10-27T11:00:00Z",
      "currency": "USD",
      "impact_level": "high",
      "title": "FOMC Rate Decision",
      "minutes_until_release": 45
    }
  ],
  "account": {
    "balance": 12000.00, "equity": 12250.00, "margin_free": 8000.00, "open_positions": 1
  }
}
""")


def shape(value):
    """The keys and the kinds of a document, without its values."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(value[0])]
    return float if isinstance(value, int | float) else type(value)


def seen():
    """A bundle with the facts of the example."""
    shown = candle(open="2383.10", high="2386.00", low="2382.90", close="2385.20")
    coming = release(timedelta(minutes=45, seconds=30), title="FOMC Rate Decision")
    return bundle(
        candles=(shown,),
        indicators=indicators(rsi_14="38.2", atr_14="2.3"),
        account=account(balance="12000.00", equity="12250.00", margin_free="8000.00"),
        positions=(position(),),
        calendar=calendar(coming),
    )


def test_the_document_has_the_shape_of_the_source():
    made = json.loads(json.dumps(snapshot_document(seen())))
    assert list(made) == list(SOURCE)
    extra = made["market"]["indicators"].keys() - SOURCE["market"]["indicators"].keys()
    assert extra == {
        "ema_20", "ema_50", "sma_50", "sma_200", "adx_14", "macd", "macd_signal", "macd_hist",
        "bb_low", "bb_mid", "bb_high", "vwap", "swing_low", "swing_high",
    }  # fmt: skip
    for name in extra:
        del made["market"]["indicators"][name]
    assert shape(made) == shape(SOURCE)


def test_the_document_says_what_was_seen():
    made = snapshot_document(seen())
    assert made["market"]["price"] == SOURCE["market"]["price"]
    assert made["market"]["indicators"]["rsi_14"] == 38.2
    assert made["market"]["indicators"]["atr"] == 2.3
    assert made["account"] == SOURCE["account"]
    assert made["calendar"] == [
        {
            "event_time": "2017-06-07T10:45:30Z",
            "currency": "USD",
            "impact_level": "high",
            "title": "FOMC Rate Decision",
            "minutes_until_release": 45,
        }
    ]


def test_a_release_in_the_past_has_minutes_below_zero():
    past = release(-timedelta(minutes=10), impact=Impact.LOW)
    made = snapshot_document(replace(seen(), calendar=calendar(past)))
    assert made["calendar"][0]["minutes_until_release"] == -10


def test_what_was_not_known_is_empty():
    blind = replace(seen(), account=None, calendar=None, indicators=indicators(sma_200=None))
    made = snapshot_document(blind)
    assert (made["account"], made["calendar"]) == (None, [])
    assert made["market"]["indicators"]["sma_200"] is None


def test_the_decision_stands_beside_the_snapshot():
    made = outcome(case=case())
    done = Replay(
        decision=decision(confidence_score=Decimal("81.50")),
        bundle=seen(),
        made=made,
        differences=("indicators.rsi_14",),
        what_if=made,
    )
    document = json.loads(json.dumps(replay_document(done)))
    assert document | snapshot_document(seen()) == document
    assert document["instant"] == "2017-06-07T10:00:00Z"
    assert document["decision"]["id"] == 40
    assert document["decision"]["action"] == "ai_proposed"
    assert document["decision"]["confidence_score"] == 81.5
    assert document["decision"]["snapshot_ref"] == "ab" * 32
    assert document["differences"] == ["indicators.rsi_14"]
    assert [check["code"] for check in document["checks"]] == [str(c) for c in Check]
    assert document["what_if"]["verdict"] == "execute"
    assert document["what_if"]["checks"] == document["checks"]


def test_without_a_proposal_there_are_no_checks():
    quiet = replace(outcome(), sizing=None, confidence=None, report=None)
    done = Replay(decision=decision(), bundle=seen(), made=quiet, differences=())
    document = replay_document(done)
    assert (document["checks"], document["what_if"]) == ([], None)


def test_what_a_model_said_is_beside_it():
    assert "prediction" not in snapshot_document(bundle())
    seen = snapshot_document(bundle(prediction=prediction("0.6200")))
    assert seen["prediction"] == {
        "model_id": 3, "model": "rf_h1_v1", "hash": "a" * 64, "horizon": 5, "probability": 0.62,
    }  # fmt: skip
