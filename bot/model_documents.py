"""Models and trainings as documents: the API's answers and the terminal's JSON."""

from decimal import Decimal
from typing import Any

from engine.domain.model import Model, Score, Training
from engine.domain.signal import document as signal_document
from engine.domain.values import utc
from engine.flow.generating import Generated
from engine.research.drift import DriftReport


def model(found: Model) -> dict[str, Any]:
    """A model's card."""
    report, wish = found.report, found.report.wish
    return {
        "id": found.id,
        "name": found.name,
        "symbol": found.symbol,
        "timeframe": str(found.timeframe),
        "version": found.version,
        "status": str(found.status),
        "hash": found.hash,
        "data_hash": report.data_hash,
        "parameters": {
            name: getattr(wish, name)
            for name in ("trees", "depth", "leaf", "horizon", "bars", "folds", "seed")
        },
        "rows": report.rows,
        "first": _instant(report.first),
        "last": _instant(report.last),
        "metrics": score(report.score),
        "features": [
            {"name": fact.name, "importance": float(fact.importance)} for fact in report.features
        ],
        "seconds": float(report.seconds),
        "trained_by": found.trained_by,
        "trained_at": _instant(found.trained_at),
        "decided_by": found.decided_by,
        "decided_at": None if found.decided_at is None else _instant(found.decided_at),
    }


def score(found: Score) -> dict[str, Any]:
    """How good forecasts were; shares of 1."""
    return {
        "rows": found.rows,
        "rises": float(found.rises),
        "accuracy": float(found.accuracy),
        "auc": float(found.auc),
        "brier": float(found.brier),
        "signals": float(found.signals),
        "hits": None if found.hits is None else float(found.hits),
    }


def drift(found: DriftReport) -> dict[str, Any]:
    """How far the market moved from what the model learnt."""
    return {
        "rows": found.rows,
        "stability": str(found.stability),
        "features": [
            {"name": each.name, "index": float(each.index), "stability": str(each.stability)}
            for each in found.features
        ],
        "validation": score(found.model.report.score),
        "since": None if found.since is None else score(found.since),
    }


def training(found: Training) -> dict[str, Any]:
    """A training, as it stands."""
    return {
        "id": found.id,
        "symbol": found.wish.symbol,
        "timeframe": str(found.wish.timeframe),
        "state": str(found.state),
        "percent": found.percent,
        "asked_by": found.by,
        "created_at": _instant(found.created_at),
        "finished_at": None if found.finished_at is None else _instant(found.finished_at),
        "model_id": found.model_id,
        "reason": found.reason,
    }


def generated(made: Generated) -> dict[str, Any]:
    """Source 003's answer to a signal that is asked for; what is behind ``signal`` is ours."""
    said, signal = made.prediction, made.signal
    if signal is None:
        message = (
            f"No signal: the probability of a rise, {said.probability}, is between 0.45 and 0.55"
        )
    elif made.is_new:
        message = "Signal generated and added to queue"
    else:
        message = "This candle's signal was generated before; it is in the queue"
    return {
        "success": signal is not None,
        "message": message,
        "signal": None if signal is None else _signal(signal_document(signal)),
        "model": {"id": said.model_id, "name": said.model, "hash": said.hash},
        "probability": float(said.probability),
    }


def _signal(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of the source, in its order; numbers as JSON has them."""
    names = (
        "signal_id", "symbol", "timeframe", "side", "confidence", "sl_pips", "tp_pips", "timestamp",
    )  # fmt: skip
    return {name: _plain(document[name]) for name in names}


def _plain(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _instant(at: Any) -> str:
    return utc(at).isoformat(timespec="seconds").replace("+00:00", "Z")
