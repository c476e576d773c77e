"""A replay as JSON: what was seen, in the shape of source 004 §6.5, and beside it the decision."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.domain.gate import CheckResult
from engine.domain.snapshot import Bundle
from engine.flow.replay import Replay
from engine.snapshot.canonical import plain


def snapshot_document(bundle: Bundle) -> dict[str, Any]:
    """Source 004's ``/ai/history/{id}/snapshot``: prices and money are numbers.

    ``atr`` is the ATR of 14 candles; the other indicators go by our names. Without an account its
    place is null; a release in the past has minutes below zero. ``prediction`` is there where an
    approved model was asked.
    """
    last = bundle.candles[-1]
    figures = {name: _number(getattr(bundle.indicators, name)) for name in plain(bundle.indicators)}
    figures["atr"] = figures.pop("atr_14")
    document: dict[str, Any] = {
        "market": {
            "symbol": bundle.symbol,
            "timeframe": str(bundle.timeframe),
            "price": {
                name: _number(getattr(last, name)) for name in ("open", "high", "low", "close")
            },
            "indicators": figures,
        },
        "calendar": [
            {
                "event_time": plain(event.time),
                "currency": event.currency,
                "impact_level": str(event.impact),
                "title": event.title,
                "minutes_until_release": int((event.time - bundle.instant).total_seconds() // 60),
            }
            for event in (bundle.calendar.events if bundle.calendar else ())
        ],
        "account": _account(bundle),
    }
    if bundle.prediction is not None:
        document["prediction"] = {
            **plain(bundle.prediction),
            "probability": _number(bundle.prediction.probability),
        }
    return document


def _account(bundle: Bundle) -> dict[str, Any] | None:
    if bundle.account is None:
        return None
    amounts = ("balance", "equity", "margin_free")
    return {
        **{name: _number(getattr(bundle.account, name)) for name in amounts},
        "open_positions": len(bundle.positions),
    }


def replay_document(done: Replay) -> dict[str, Any]:
    """The snapshot, and beside it the record, the checks as computed again, and what differs."""
    entry = done.decision.entry
    return {
        **snapshot_document(done.bundle),
        "instant": plain(done.bundle.instant),
        "decision": {
            "id": done.decision.seq,
            "action": str(entry.action),
            "occurred_at": plain(entry.occurred_at),
            "rationale": entry.rationale,
            "confidence_score": _number(entry.confidence_score),
            "risk_check_result": entry.risk_check_result,
            "strategy_id": plain(entry.strategy_id),
            "strategy_version": entry.strategy_version,
            "trade_idea_id": plain(entry.idea_id),
            "snapshot_ref": entry.bundle_hash,
            "human_override": entry.human_override,
        },
        "checks": _checks(done.made.checks),
        "differences": list(done.differences),
        "what_if": None
        if done.what_if is None
        else {
            "verdict": done.what_if.verdict,
            "result": done.what_if.result,
            "checks": _checks(done.what_if.checks),
        },
    }


def _checks(checks: Sequence[CheckResult]) -> list[dict[str, Any]]:
    return [
        {
            "code": str(check.code),
            "passed": check.passed,
            "observed": check.observed,
            "limit": check.limit,
        }
        for check in checks
    ]


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
